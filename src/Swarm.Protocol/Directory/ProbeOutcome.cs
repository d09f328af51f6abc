namespace Swarm.Protocol.Directory;

/// <summary>How a probe of a peer ended.</summary>
public enum ProbeOutcome
{
    /// <summary>It answered, and it is who it should be.</summary>
    Answered,

    /// <summary>Nobody is there, or somebody else: proof at once.</summary>
    Refused,

    /// <summary>Nothing came within the probe's time: one silence is chance, two are death.</summary>
    Silent,
}
