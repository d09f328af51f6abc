namespace Swarm.Protocol.Directory;

/// <summary>What a node does with requests, as it announces.</summary>
public enum NodeState
{
    /// <summary>Loads what it will serve; takes no session yet.</summary>
    Joining = 1,

    /// <summary>Takes sessions.</summary>
    Serving = 2,

    /// <summary>Finishes its sessions and takes no new one.</summary>
    Leaving = 3,

    /// <summary>Takes no new session until its owner says so.</summary>
    Paused = 4,

    /// <summary>Others cannot dial it; it serves nobody.</summary>
    Unreachable = 5,

    /// <summary>Gone. No snapshot shows it.</summary>
    Left = 6,
}
