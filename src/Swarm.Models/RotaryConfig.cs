using Swarm.Kernels;

namespace Swarm.Models;

/// <summary>Rotary position embedding of a model.</summary>
public sealed record RotaryConfig
{
    /// <summary>Base of the frequencies: pair i of d/2 turns by Theta^(−2i/d) radians a position.</summary>
    public required float Theta { get; init; }

    /// <summary>Which values of a head turn together.</summary>
    public required RotaryLayout Layout { get; init; }

    /// <summary>Values of a head that turn; even, at most the head's dimension.</summary>
    public required int Dimension { get; init; }

    /// <summary>Kind of scaling; the fields below are its parameters.</summary>
    public RotaryScaling Scaling { get; init; }

    /// <summary>Linear and Llama3: the divisor.</summary>
    public float Factor { get; init; } = 1;

    /// <summary>Llama3: wavelengths over OriginalContext ÷ this are divided.</summary>
    public float LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama3: wavelengths under OriginalContext ÷ this are kept.</summary>
    public float HighFrequencyFactor { get; init; } = 1;

    /// <summary>Llama3: positions of the context before scaling.</summary>
    public int OriginalContext { get; init; }
}
