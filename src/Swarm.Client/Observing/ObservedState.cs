namespace Swarm.Client.Observing;

/// <summary>What an observer takes a node for.</summary>
public enum ObservedState
{
    /// <summary>It loads what it has announced and does not serve it yet.</summary>
    Joining,

    /// <summary>It serves its blocks.</summary>
    Serving,

    /// <summary>Its owner has paused it: running sessions go on, new ones are refused.</summary>
    Paused,

    /// <summary>It finishes its sessions and goes.</summary>
    Leaving,

    /// <summary>It is announced but does not answer, or says itself that nobody can dial it.</summary>
    Unreachable,
}
