using Swarm.Kernels;
using Swarm.Models.Blocks;

namespace Swarm.Models.Tests.Blocks;

public sealed class RotaryFrequenciesTests
{
    private static readonly RotaryConfig Plain = new() { Theta = 10_000, Layout = RotaryLayout.HalfSplit, Dimension = 64 };

    [Fact]
    public void Make_NoScaling_PowersOfTheta()
    {
        float[] frequencies = RotaryFrequencies.Make(Plain, []);
        Assert.Equal(32, frequencies.Length);
        Assert.Equal(1f, frequencies[0]);
        for (int pair = 0; pair < 32; pair++)
            Assert.Equal(Math.Pow(10_000, -pair / 32.0), frequencies[pair], 2e-7 * frequencies[pair]);
    }

    [Fact]
    public void Make_Linear_EachDividedByTheFactor()
    {
        float[] plain = RotaryFrequencies.Make(Plain, []);
        float[] scaled = RotaryFrequencies.Make(Plain with { Scaling = RotaryScaling.Linear, Factor = 3 }, []);
        Assert.Equal(plain.Select(frequency => frequency / 3), scaled);
    }

    [Fact]
    public void Make_Llama3_HighKeptLowDividedRampBetween()
    {
        RotaryConfig config = Plain with
        {
            Theta = 500_000, Scaling = RotaryScaling.Llama3, Factor = 8, LowFrequencyFactor = 1, HighFrequencyFactor = 4, OriginalContext = 8192,
        };
        float[] plain = RotaryFrequencies.Make(config with { Scaling = RotaryScaling.None }, []);
        float[] scaled = RotaryFrequencies.Make(config, []);
        int ramp = 0;
        for (int pair = 0; pair < scaled.Length; pair++)
        {
            double wavelength = 2 * Math.PI / plain[pair];
            if (wavelength < 8192 / 4.0)
            {
                Assert.Equal(plain[pair], scaled[pair]);
            }
            else if (wavelength > 8192)
            {
                Assert.Equal(plain[pair] / 8, scaled[pair]);
            }
            else
            {
                Assert.InRange(scaled[pair], plain[pair] / 8, plain[pair]);
                ramp++;
            }
        }

        Assert.InRange(ramp, 2, 5);
    }

    [Fact]
    public void Make_StoredFactorsOfLlama3_TheSameFrequencies()
    {
        // GGUF stores Llama 3's scaling as one divisor a pair.
        RotaryConfig config = Plain with
        {
            Theta = 500_000, Scaling = RotaryScaling.Llama3, Factor = 8, LowFrequencyFactor = 1, HighFrequencyFactor = 4, OriginalContext = 8192,
        };
        float[] plain = RotaryFrequencies.Make(config with { Scaling = RotaryScaling.None }, []);
        float[] scaled = RotaryFrequencies.Make(config, []);
        float[] factors = [.. plain.Zip(scaled, (left, right) => left / right)];
        float[] stored = RotaryFrequencies.Make(config with { Scaling = RotaryScaling.StoredFactors }, factors);
        Assert.All(scaled.Zip(stored), pair => Assert.Equal(pair.First, pair.Second, 2e-7f * pair.First));
    }
}
