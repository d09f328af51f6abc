namespace Swarm.Testing.Trials;

/// <summary>What a trial does to a node.</summary>
public enum FaultAct
{
    /// <summary>SIGKILL: gone, its connections reset.</summary>
    Kill,

    /// <summary>SIGSTOP: silent, its connections open; SIGCONT some tokens after the chain was mended.</summary>
    Freeze,
}
