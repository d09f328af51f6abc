namespace Swarm.Cli.Control;

/// <summary>What a node of this machine can be asked to do.</summary>
internal enum ControlRequest
{
    /// <summary>Tell how it is.</summary>
    Show,

    /// <summary>Take no new sessions.</summary>
    Pause,

    /// <summary>Take sessions again.</summary>
    Resume,
}
