namespace Swarm.Kernels;

/// <summary>Which two values of a head a rotation turns together.</summary>
public enum RotaryLayout : byte
{
    /// <summary>Neighbours: (0, 1), (2, 3), … as GGUF stores the Llama family.</summary>
    Interleaved,

    /// <summary>Halves: (0, d/2), (1, d/2 + 1), … as Hugging Face checkpoints have it.</summary>
    HalfSplit,
}
