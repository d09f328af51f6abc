using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// Radians a position for each rotary pair. Every operation is rounded to float32 where transformers rounds, because angles of thousands of positions magnify a last bit.
/// </summary>
internal static class RotaryFrequencies
{
    /// <param name="rotary">Theta, dimension and scaling.</param>
    /// <param name="storedFactors">StoredFactors: one divisor a pair.</param>
    public static float[] Make(RotaryConfig rotary, ReadOnlySpan<float> storedFactors)
    {
        var frequencies = new float[rotary.Dimension / 2];
        for (int pair = 0; pair < frequencies.Length; pair++)
        {
            float exponent = (float)(2 * pair) / rotary.Dimension;
            float frequency = 1f / (float)HostMath.Pow(rotary.Theta, exponent);
            frequencies[pair] = rotary.Scaling switch
            {
                RotaryScaling.Linear => frequency / rotary.Factor,
                RotaryScaling.Llama3 => ScaleLlama3(rotary, frequency),
                RotaryScaling.StoredFactors => frequency / storedFactors[pair],
                _ => frequency,
            };
        }

        return frequencies;
    }

    private static float ScaleLlama3(RotaryConfig rotary, float frequency)
    {
        float wavelength = 2f * MathF.PI / frequency;
        float longest = rotary.OriginalContext / rotary.LowFrequencyFactor;
        float shortest = rotary.OriginalContext / rotary.HighFrequencyFactor;
        if (wavelength < shortest)
            return frequency;
        if (wavelength > longest)
            return frequency / rotary.Factor;
        float smooth = (rotary.OriginalContext / wavelength - rotary.LowFrequencyFactor) / (rotary.HighFrequencyFactor - rotary.LowFrequencyFactor);
        return (1f - smooth) * frequency / rotary.Factor + smooth * frequency;
    }
}
