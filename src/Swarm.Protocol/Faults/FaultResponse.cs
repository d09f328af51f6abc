namespace Swarm.Protocol;

/// <summary>What a client does about a fault. Closed: the table names one for every kind.</summary>
public enum FaultResponse
{
    /// <summary>Tells the caller: the same request would be refused again.</summary>
    Fail,

    /// <summary>Sends again to the same hops under a new epoch; from the same peer a second time, replaces it.</summary>
    Resend,

    /// <summary>Takes another peer for the blocks of the one concerned.</summary>
    Replace,

    /// <summary>Takes another peer, and the same one where there is no other: it did nothing wrong.</summary>
    Elsewhere,

    /// <summary>Waits within the session's grace time: the swarm may have more to offer then.</summary>
    WaitAndRetry,
}
