using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;

namespace Swarm.Kernels.Tests;

/// <summary>Activations, layer norm, soft cap and scale: against formulas, the oracle, and each other's widths.</summary>
public sealed class ActivationTests
{
    public static TheoryData<CpuWidth> Widths => [.. Enum.GetValues<CpuWidth>().Where(width => width != CpuWidth.Scalar)];

    public static TheoryData<Activation> Activations => [.. Enum.GetValues<Activation>()];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Elementwise_EveryLength_SameBitsAsScalar(CpuWidth width)
    {
        using CpuKernels vector = new(2, width), scalar = new(1, CpuWidth.Scalar);
        for (int length = 1; length <= 70; length++)
        {
            foreach (Activation activation in Enum.GetValues<Activation>())
            {
                Both($"{activation} {length}", (kernels, numbers) =>
                {
                    float[] values = Odd(numbers.Floats(length, 8));
                    kernels.Activate(activation, values);
                    return values;
                });
                Both($"gate of {activation} {length}", (kernels, numbers) =>
                {
                    float[] gate = Odd(numbers.Floats(length, 8));
                    kernels.Gate(activation, gate, numbers.Floats(length));
                    return gate;
                });
            }

            Both($"LayerNorm {length}", (kernels, numbers) =>
            {
                float[] output = new float[2 * length];
                kernels.LayerNorm(numbers.Floats(2 * length, 30), numbers.Floats(length), numbers.Floats(length), 1e-5f, 2, output);
                return output;
            });
            Both($"LayerNorm without bias {length}", (kernels, numbers) =>
            {
                float[] output = new float[length];
                kernels.LayerNormRow(numbers.Floats(length, 30), numbers.Floats(length), [], 1e-5f, output);
                return output;
            });
            Both($"SoftCap {length}", (kernels, numbers) =>
            {
                float[] values = Odd(numbers.Floats(length, 90));
                kernels.SoftCap(values, 30);
                return values;
            });
            Both($"Scale {length}", (kernels, numbers) =>
            {
                float[] values = numbers.Floats(length, 90);
                kernels.Scale(values, 1.1f);
                return values;
            });
        }

        void Both(string what, Func<CpuKernels, TestNumbers, float[]> compute)
        {
            float[] expected = compute(scalar, new TestNumbers(7)), seen = compute(vector, new TestNumbers(7));
            for (int i = 0; i < expected.Length; i++)
                Assert.True(Bits.Same(expected[i], seen[i]), $"{what}: value {i} is {seen[i]:R}, expected {expected[i]:R}");
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Activate_EveryExponent_SameBitsAsScalar(CpuWidth width)
    {
        using CpuKernels vector = new(2, width), scalar = new(1, CpuWidth.Scalar);
        foreach (Activation activation in Enum.GetValues<Activation>())
        {
            float[] expected = new float[1 << 16];
            for (int i = 0; i < expected.Length; i++)
                expected[i] = BitConverter.UInt32BitsToSingle(((uint)i << 16) | (uint)(i * 40503 & 0xFFFF));
            float[] seen = [.. expected];
            scalar.Activate(activation, expected);
            vector.Activate(activation, seen);
            for (int i = 0; i < expected.Length; i++)
                Assert.True(Bits.Same(expected[i], seen[i]), $"{activation} of exponent pattern {i:x4}: {seen[i]:R}, expected {expected[i]:R}");
        }
    }

    [Theory]
    [MemberData(nameof(Activations))]
    public void Activate_AllOverTheRange_IsCloseToTheOracle(Activation activation)
    {
        using ReferenceKernels reference = new();
        using CpuKernels kernels = new(1);
        float[] values = [.. Enumerable.Range(-40_000, 80_001).Select(i => i * 5e-4f)];
        float[] expected = [.. values], seen = [.. values];
        reference.Activate(activation, expected);
        kernels.Activate(activation, seen);
        for (int i = 0; i < values.Length; i++)
        {
            double bound = 3e-7 * Math.Max(Math.Abs(values[i]), 1e-3);
            Assert.True(Math.Abs((double)expected[i] - seen[i]) <= bound, $"{activation} of {values[i]} is {seen[i]:R}, expected {expected[i]:R} within {bound}");
        }
    }

    [Theory]
    [InlineData(Activation.Silu, 1.5f, 1.22636171)]
    [InlineData(Activation.Gelu, 1.5f, 1.39978920)]
    [InlineData(Activation.Gelu, -0.7f, -0.16937465)]
    [InlineData(Activation.GeluTanh, 1.5f, 1.39957158)]
    [InlineData(Activation.GeluSigmoid, 1.5f, 1.39166220)]
    [InlineData(Activation.Relu, -3f, 0.0)]
    [InlineData(Activation.Relu, 3f, 3.0)]
    public void Activate_OneValue_IsTheFormulas(Activation activation, float x, double expected)
    {
        using ReferenceKernels reference = new();
        float[] values = [x];
        reference.Activate(activation, values);
        Assert.Equal(expected, values[0], 1e-7);
    }

    [Fact]
    public void LayerNorm_RandomInput_IsTheFormula()
    {
        using ReferenceKernels reference = new();
        using CpuKernels kernels = new(1);
        TestNumbers numbers = new(3);
        float[] input = numbers.Floats(3 * 77, 50), weight = numbers.Floats(77), bias = numbers.Floats(77);
        foreach (KernelSet set in new KernelSet[] { reference, kernels })
        {
            float[] output = new float[input.Length];
            set.LayerNorm(input, weight, bias, 1e-5f, 3, output);
            for (int token = 0; token < 3; token++)
            {
                double[] row = [.. input.AsSpan(token * 77, 77).ToArray().Select(value => (double)value)];
                double mean = row.Average(), variance = row.Select(value => (value - mean) * (value - mean)).Average();
                for (int i = 0; i < 77; i++)
                    Assert.Equal(((row[i] - mean) / Math.Sqrt(variance + 1e-5) * weight[i]) + bias[i], output[(token * 77) + i], 2e-6);
            }
        }
    }

    [Fact]
    public void NormalBelow_AllOverTheRange_IsSymmetricAndKnown()
    {
        Assert.Equal(0.5, HostMath.NormalBelow(0));
        Assert.Equal(0.9750021048517795, HostMath.NormalBelow(1.96), 1e-14);
        Assert.Equal(2.8665157187919333e-7, HostMath.NormalBelow(-5), 1e-20);
        for (double x = 0; x < 10; x += 0.01)
            Assert.Equal(1, HostMath.NormalBelow(x) + HostMath.NormalBelow(-x), 1e-14);
    }

    [Fact]
    public void Gate_UnequalLengths_IsRefused()
    {
        using CpuKernels kernels = new(1);
        Assert.Throws<ArgumentException>(() => kernels.Gate(Activation.Gelu, new float[4], new float[5]));
        Assert.Throws<ArgumentException>(() => kernels.LayerNorm(new float[8], new float[4], new float[3], 1e-5f, 2, new float[8]));
    }

    private static float[] Odd(float[] values)
    {
        float[] odd = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f, 1e-40f, 3e38f];
        for (int i = 0; i < odd.Length && 3 * i < values.Length; i++)
            values[3 * i] = odd[i];
        return values;
    }
}
