namespace Swarm.Protocol;

/// <summary>Who a fault is to be laid to.</summary>
public enum FaultBlame
{
    /// <summary>The caller's request: repeating it gives the same refusal, and no peer is worse for it.</summary>
    Caller,

    /// <summary>The peer does not answer or broke off; another may serve.</summary>
    Peer,

    /// <summary>The peer's bytes contradict themselves.</summary>
    Liar,

    /// <summary>The swarm has too little to offer right now.</summary>
    Swarm,

    /// <summary>Nobody: a deliberate end.</summary>
    Nobody,

    /// <summary>This program.</summary>
    Program,
}
