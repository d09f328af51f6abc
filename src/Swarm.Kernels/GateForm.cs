namespace Swarm.Kernels;

/// <summary>How a gate and what it multiplies become one: activation(gate) · up, or with a limit the clamped gate of gpt-oss (<see cref="KernelSet.ClampedSwiGlu"/>).</summary>
public readonly record struct GateForm
{
    /// <summary>Of the gate; only without a limit.</summary>
    public Activation Activation { get; init; }

    /// <summary>Factor inside the sigmoid; only with a limit.</summary>
    public float Alpha { get; init; }

    /// <summary>The gate is clamped from above, the other from both sides; 0 for neither.</summary>
    public float Limit { get; init; }
}
