namespace Swarm.Protocol.Links;

/// <summary>One side of a link that has sessions.</summary>
public interface IWatchedLink
{
    /// <summary>What the other side has shown of itself.</summary>
    LinkWatch Watch { get; }

    /// <summary>Says to the other side how far this one is.</summary>
    void Speak();

    /// <summary>The other side is given up; the link is watched no more.</summary>
    void GiveUp(string reason);
}
