namespace Swarm.Protocol.Links;

/// <summary>Who receives a session's frames from a link. Called by the link's reading loop, one frame at a time; must not wait.</summary>
public interface ILinkHandler
{
    /// <summary>A frame of the session. The callee releases it.</summary>
    void OnFrame(OutboundLink link, LinkMessage message);

    /// <summary>The link broke; no more frames come from it.</summary>
    void OnBroken(OutboundLink link, SwarmException reason);
}
