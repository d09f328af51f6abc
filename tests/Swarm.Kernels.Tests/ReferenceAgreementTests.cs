using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;

namespace Swarm.Kernels.Tests;

/// <summary>canonical-1 against the oracle, by tolerance.</summary>
public sealed class ReferenceAgreementTests
{
    [Theory]
    [InlineData(WeightFormat.F32, 1e-6)]
    [InlineData(WeightFormat.F16, 1e-6)]
    [InlineData(WeightFormat.BF16, 1e-6)]
    [InlineData(WeightFormat.Q8_0, 0.01)]
    [InlineData(WeightFormat.Q4_0, 0.01)]
    [InlineData(WeightFormat.Q4_1, 0.01)]
    [InlineData(WeightFormat.Q5_0, 0.01)]
    [InlineData(WeightFormat.Q5_1, 0.01)]
    [InlineData(WeightFormat.Q2_K, 0.01)]
    [InlineData(WeightFormat.Q3_K, 0.01)]
    [InlineData(WeightFormat.Q4_K, 0.01)]
    [InlineData(WeightFormat.Q5_K, 0.01)]
    [InlineData(WeightFormat.Q6_K, 0.01)]
    [InlineData(WeightFormat.IQ4_NL, 0.01)]
    [InlineData(WeightFormat.IQ4_XS, 0.01)]
    [InlineData(WeightFormat.MXFP4, 0.01)]
    public void MatMul_RandomInput_IsCloseToReference(WeightFormat format, double tolerance)
    {
        const int Rows = 37, Tokens = 3;
        int columns = WeightFormats.GroupLength(format) == 256 ? 512 : 320;
        TestNumbers numbers = new(1);
        byte[] stored = numbers.Rows(format, Rows, columns);
        float[] input = numbers.Floats(Tokens * columns), bias = numbers.Floats(Rows);
        using CpuKernels canonical = new(1);
        using ReferenceKernels reference = new(2);
        using WeightMatrix a = TestNumbers.Pack(canonical, format, stored, Rows, columns);
        using WeightMatrix b = TestNumbers.Pack(reference, format, stored, Rows, columns);
        float[] left = new float[Tokens * Rows], right = new float[Tokens * Rows];
        canonical.MatMul(a, input, Tokens, bias, left);
        reference.MatMul(b, input, Tokens, bias, right);
        AssertClose(right, left, tolerance);

        float[] leftRow = new float[columns], rightRow = new float[columns];
        for (int row = 0; row < Rows; row++)
        {
            a.CopyRow(row, leftRow);
            b.CopyRow(row, rightRow);
            Assert.Equal(rightRow, leftRow);
        }
    }

    [Fact]
    public void RmsNorm_RandomInput_IsCloseToReference() => Compare((kernels, numbers) =>
    {
        float[] input = numbers.Floats(3 * 77, 50), weight = numbers.Floats(77);
        float[] output = new float[input.Length];
        kernels.RmsNorm(input, weight, 1e-5f, 3, output);
        return output;
    });

    [Theory]
    [InlineData(RotaryLayout.Interleaved)]
    [InlineData(RotaryLayout.HalfSplit)]
    public void Rotary_PartOfHead_IsCloseToReference(RotaryLayout layout) => Compare((kernels, numbers) =>
    {
        float[] values = numbers.Floats(5 * 3 * 24);
        float[] frequencies = [1f, 0.3f, 0.1f, 0.05f, 0.03f, 0.01f, 0.003f, 0.001f, 1e-4f, 2e-5f];
        kernels.Rotary(values, 5, 3, 24, new RotaryTable(layout, frequencies), 1000);
        return values;
    });

    [Fact]
    public void SwiGlu_RandomInput_IsCloseToReference() => Compare((kernels, numbers) =>
    {
        float[] gate = numbers.Floats(100, 20), up = numbers.Floats(100);
        kernels.SwiGlu(gate, up);
        return gate;
    });

    [Fact]
    public void Add_RandomInput_IsCloseToReference() => Compare((kernels, numbers) =>
    {
        float[] target = numbers.Floats(100), addend = numbers.Floats(100);
        kernels.Add(target, addend);
        return target;
    });

    [Theory]
    [InlineData(0, 3)]
    [InlineData(60, 10)]
    [InlineData(130, 1)]
    [InlineData(0, 200)]
    public unsafe void Attention_GroupedQueries_IsCloseToReference(int firstPosition, int tokens) => Compare((kernels, numbers) => AttentionCase.Run(kernels, numbers, firstPosition, tokens), 2e-3);

    private static void Compare(Func<KernelSet, TestNumbers, float[]> compute, double tolerance = 2e-6)
    {
        using CpuKernels canonical = new(1);
        using ReferenceKernels reference = new();
        AssertClose(compute(reference, new TestNumbers(7)), compute(canonical, new TestNumbers(7)), tolerance);
    }

    private static void AssertClose(float[] expected, float[] actual, double tolerance)
    {
        double largest = expected.Max(Math.Abs);
        Assert.True(largest > 0);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * largest, $"[{i}] expected {expected[i]}, got {actual[i]}");
    }
}
