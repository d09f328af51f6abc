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

    /// <summary>Linear, Llama3 and Yarn: the divisor.</summary>
    public float Factor { get; init; } = 1;

    /// <summary>Llama3: wavelengths over OriginalContext ÷ this are divided.</summary>
    public float LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama3: wavelengths under OriginalContext ÷ this are kept.</summary>
    public float HighFrequencyFactor { get; init; } = 1;

    /// <summary>Llama3 and Yarn: positions of the context before scaling.</summary>
    public int OriginalContext { get; init; }

    /// <summary>Yarn: pairs that turn more often than this in the original context keep their frequencies.</summary>
    public float BetaFast { get; init; } = 32;

    /// <summary>Yarn: pairs that turn less often than this have them divided.</summary>
    public float BetaSlow { get; init; } = 1;

    /// <summary>Yarn: the ramp between them begins and ends at whole pairs.</summary>
    public bool Truncates { get; init; } = true;

    /// <summary>Factor on cosines and sines.</summary>
    public float Magnitude { get; init; } = 1;

    /// <summary>Factors: a divisor for each pair.</summary>
    public IReadOnlyList<float> Factors { get; init; } = [];

    /// <summary>Nothing turns.</summary>
    public static RotaryConfig None { get; } = new() { Theta = 10_000, Layout = RotaryLayout.HalfSplit, Dimension = 0 };
}
