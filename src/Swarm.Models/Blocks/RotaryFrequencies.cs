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
        (float low, float high) = rotary.Scaling == RotaryScaling.Yarn ? YarnRamp(rotary) : (0, 1);
        for (int pair = 0; pair < frequencies.Length; pair++)
        {
            float exponent = (float)(2 * pair) / rotary.Dimension;
            float frequency = 1f / (float)HostMath.Pow(rotary.Theta, exponent);
            frequencies[pair] = rotary.Scaling switch
            {
                RotaryScaling.Linear => frequency / rotary.Factor,
                RotaryScaling.Llama3 => ScaleLlama3(rotary, frequency),
                RotaryScaling.Yarn => ScaleYarn(rotary, pair, exponent, low, high),
                RotaryScaling.Factors => 1f / (rotary.Factors[pair] * (float)HostMath.Pow(rotary.Theta, exponent)),
                RotaryScaling.StoredFactors => frequency / storedFactors[pair],
                _ => frequency,
            };
        }

        return frequencies;
    }

    /// <summary>YaRN's factor on cosines and sines: 0.1 m ln(factor) + 1.</summary>
    public static float YarnMagnitude(double factor, double m = 1) => factor <= 1 ? 1 : (float)(0.1 * m * HostMath.Log(factor) + 1);

    // The pairs between which frequencies go over from kept to divided.
    private static (float Low, float High) YarnRamp(RotaryConfig rotary)
    {
        double PairOf(float turns) =>
            rotary.Dimension * HostMath.Log(rotary.OriginalContext / (turns * 2 * Math.PI)) / (2 * HostMath.Log(rotary.Theta));

        double low = PairOf(rotary.BetaFast), high = PairOf(rotary.BetaSlow);
        if (rotary.Truncates)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, rotary.Dimension - 1));
        return ((float)low, (float)(low == high ? high + 0.001 : high));
    }

    private static float ScaleYarn(RotaryConfig rotary, int pair, float exponent, float low, float high)
    {
        float power = (float)HostMath.Pow(rotary.Theta, exponent);
        float kept = 1f / power;
        float divided = 1f / (rotary.Factor * power);
        float share = 1f - Math.Clamp((pair - low) / (high - low), 0f, 1f);
        return divided * (1f - share) + kept * share;
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
