namespace Swarm.Models;

/// <summary>How rotary frequencies are changed so that a model reaches beyond the context it was first trained with.</summary>
public enum RotaryScaling : byte
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>All frequencies divided by one factor.</summary>
    Linear,

    /// <summary>Llama 3: low frequencies divided by a factor, high ones kept, a ramp between.</summary>
    Llama3,

    /// <summary>Each frequency divided by its own factor, stored as a tensor of the model (GGUF's <c>rope_freqs.weight</c>).</summary>
    StoredFactors,

    /// <summary>YaRN (arXiv 2309.00071): high frequencies kept, low ones divided by a factor, a ramp over the pairs between.</summary>
    Yarn,

    /// <summary>Each frequency divided by its own factor, named in the configuration (LongRoPE, arXiv 2402.13753).</summary>
    Factors,
}
