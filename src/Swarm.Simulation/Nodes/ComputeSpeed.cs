namespace Swarm.Simulation;

/// <summary>How long a device takes: what it reads of a block's weights, and what each token adds.</summary>
public readonly record struct ComputeSpeed(TimeSpan Block, TimeSpan Token)
{
    /// <summary>Time of one pass.</summary>
    public TimeSpan Of(int blocks, int tokens) => (Block + (Token * tokens)) * blocks;
}
