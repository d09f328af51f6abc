using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;

namespace Swarm.Kernels.Tests;

/// <summary>What a shape can add to attention: windows, soft caps, slopes, sinks, values of another width than keys.</summary>
public sealed unsafe class AttentionShapeTests
{
    private static readonly AttentionShape[] s_shapes =
    [
        new(3, 1, 64, 0.125f) { Window = 100 },
        new(4, 2, 24, 0.2f) { Window = 8 },
        new(2, 2, 16, 0.25f) { Window = 1 },
        new(2, 1, 32, 0.2f) { Window = 64 },
        new(6, 2, 64, 0.125f) { SoftCap = 1.5f },
        new(4, 4, 8, 0.4f) { Slopes = [0.5f, 0.25f, 0.0625f, 1e-3f] },
        new(6, 2, 64, 0.125f) { Sinks = [1f, -2f, 30f, 0f, -30f, 4f] },
        new(5, 1, 24, 0.2f) { ValueDimension = 16 },
        new(4, 1, 72, 0.12f) { ValueDimension = 64 },
        new(2, 2, 16, 0.25f) { ValueDimension = 40 },
        new(4, 2, 24, 0.2f) { ValueDimension = 32, Window = 70, SoftCap = 2f, Slopes = [0.5f, 0.25f, 0.0625f, 0.01f], Sinks = [0.5f, -1f, 2f, 0f] },
    ];

    private static readonly (int First, int Tokens)[] s_stretches = [(0, 1), (0, 7), (0, 65), (7, 1), (8, 1), (62, 5), (63, 1), (64, 1), (99, 3), (127, 2), (150, 66), (200, 57)];

    public static TheoryData<CpuWidth> Widths => [.. Enum.GetValues<CpuWidth>()];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Attention_EveryShape_SameBitsAsScalar(CpuWidth width)
    {
        using CpuKernels vector = new(2, width), scalar = new(1, CpuWidth.Scalar);
        foreach (AttentionShape shape in s_shapes)
        {
            foreach ((int first, int tokens) in s_stretches)
            {
                float[] expected = AttentionCase.Run(scalar, new TestNumbers(3), first, tokens, shape);
                float[] actual = AttentionCase.Run(vector, new TestNumbers(3), first, tokens, shape);
                Bits.AssertSame(expected, actual, $"{width} {shape} {first}+{tokens}");
            }
        }
    }

    [Fact]
    public void Attention_EveryShape_IsWhatItsFormulaSays()
    {
        using CpuKernels canonical = new(1);
        using ReferenceKernels reference = new();
        foreach (AttentionShape shape in s_shapes)
        {
            foreach ((int first, int tokens) in new[] { (0, 9), (63, 2), (150, 66) })
            {
                float[] queries = [], keys = [], values = [];
                float[] actual = AttentionCase.Run(canonical, new TestNumbers(5), first, tokens, shape);
                float[] oracle = AttentionCase.Run(reference, new TestNumbers(5), first, tokens, shape, spoil: (k, v, q) => (keys, values, queries) = (k, v, q));
                double[] expected = Formula(shape, first, tokens, queries, keys, values);
                AssertClose(expected, oracle, 1e-6, $"reference {shape} {first}+{tokens}");
                AssertClose(expected, actual, 3e-3, $"canonical-1 {shape} {first}+{tokens}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Attention_WhatLiesBeforeTheWindow_ChangesNoBit(CpuWidth width)
    {
        using CpuKernels kernels = new(2, width);
        foreach (AttentionShape shape in s_shapes.Where(shape => shape.Window > 0))
        {
            foreach ((int first, int tokens) in new[] { (200, 1), (200, 57), (127, 2), (191, 40), (260, 20) })
            {
                float[] expected = AttentionCase.Run(kernels, new TestNumbers(3), first, tokens, shape);
                float[] actual = AttentionCase.Run(kernels, new TestNumbers(3), first, tokens, shape, spoil: (keys, values, _) =>
                {
                    keys.AsSpan(0, shape.FirstSeen(first) * shape.KeyWidth).Fill(float.NaN);
                    values.AsSpan(0, shape.FirstSeen(first) * shape.ValueWidth).Fill(float.PositiveInfinity);
                });
                Bits.AssertSame(expected, actual, $"{width} {shape} {first}+{tokens}");
                Assert.DoesNotContain(actual, float.IsNaN);
            }
        }
    }

    [Fact]
    public void Attention_PagesBeforeTheWindow_AreNotTouched()
    {
        using CpuKernels kernels = new(2);
        AttentionShape shape = s_shapes[0];
        TestNumbers numbers = new(8);
        int bytes = kernels.KvPageBytes(shape);
        using NativeBuffer memory = new(2L * bytes);
        // Positions 640 … 767; what comes before has no memory at all.
        nint[] pages = new nint[12];
        (pages[10], pages[11]) = ((nint)memory.Pointer, (nint)memory.Pointer + bytes);
        kernels.StoreKeyValues(shape, pages, 0, 640, 128, numbers.Floats(128 * shape.KeyWidth), numbers.Floats(128 * shape.ValueWidth));
        foreach (int tokens in new[] { 1, 20 })
        {
            float[] output = new float[tokens * shape.OutputWidth];
            kernels.Attention(shape, pages, 0, 740, tokens, numbers.Floats(tokens * shape.QueryWidth), output);
            Assert.DoesNotContain(output, value => float.IsNaN(value) || value == 0);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Attention_NotFiniteUnderSoftCapOrSlopes_SameBitsAsScalar(CpuWidth width)
    {
        using CpuKernels vector = new(1, width), scalar = new(1, CpuWidth.Scalar);
        AttentionShape shape = new(2, 1, 16, 1f) { SoftCap = 4f, Slopes = [0.5f, 1f], Sinks = [0f, 1f], Window = 66 };
        foreach (float odd in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1e30f, 0f, -0f })
        {
            foreach (int place in new[] { 0, 3, 70 })
            {
                Action<float[], float[], float[]> spoil = (keys, values, queries) => (keys[place * 16], values[place * 16 + 5], queries[place % 2 * 16]) = (odd, odd, odd);
                Bits.AssertSame(
                    AttentionCase.Run(scalar, new TestNumbers(3), 68, 5, shape, 2f, spoil), AttentionCase.Run(vector, new TestNumbers(3), 68, 5, shape, 2f, spoil), $"{width} {odd} at {place}");
            }
        }
    }

    // Every position, and a mask.
    private static double[] Formula(AttentionShape shape, int first, int tokens, float[] queries, float[] keys, float[] values)
    {
        double[] output = new double[tokens * shape.OutputWidth];
        int sharing = shape.Heads / shape.KeyValueHeads;
        for (int token = 0; token < tokens; token++)
        {
            for (int head = 0; head < shape.Heads; head++)
            {
                int position = first + token;
                List<double> scores = [];
                for (int j = 0; j < first + tokens; j++)
                {
                    double score = Enumerable.Range(0, shape.HeadDimension).Sum(d =>
                        (double)queries[token * shape.QueryWidth + head * shape.HeadDimension + d] * keys[j * shape.KeyWidth + head / sharing * shape.HeadDimension + d]) * shape.Scale;
                    score = shape.SoftCap > 0 ? Math.Tanh(score / shape.SoftCap) * shape.SoftCap : score;
                    score += (shape.Slopes?[head] ?? 0) * (double)(j - position);
                    bool seen = j <= position && (shape.Window == 0 || j > position - shape.Window);
                    scores.Add(seen ? Math.Exp(score) : 0);
                }

                double sum = scores.Sum() + (shape.Sinks is { } sinks ? Math.Exp(sinks[head]) : 0);
                for (int d = 0; d < shape.ValueDimension; d++)
                {
                    output[token * shape.OutputWidth + head * shape.ValueDimension + d] =
                        scores.Select((score, j) => score * values[j * shape.ValueWidth + head / sharing * shape.ValueDimension + d]).Sum() / sum;
                }
            }
        }

        return output;
    }

    private static void AssertClose(double[] expected, float[] actual, double tolerance, string what)
    {
        double largest = expected.Max(Math.Abs);
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * largest, $"{what} [{i}] expected {expected[i]}, got {actual[i]}");
    }
}
