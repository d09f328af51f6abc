namespace Swarm.Client;

/// <summary>What a session over a swarm can do now.</summary>
internal enum ChainState
{
    /// <summary>The first chain is being opened.</summary>
    Opening,

    /// <summary>Steps go out.</summary>
    Active,

    /// <summary>The chain is being mended; steps wait.</summary>
    Mending,

    /// <summary>No way was found in time. The next step looks again.</summary>
    Stranded,

    /// <summary>A mistake of the caller's, or a defect, ended it.</summary>
    Failed,

    /// <summary>Disposed.</summary>
    Closed,
}
