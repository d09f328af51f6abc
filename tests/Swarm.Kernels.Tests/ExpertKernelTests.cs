using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;

namespace Swarm.Kernels.Tests;

/// <summary>Routers, the sum of experts and the clamped gate: against small computations of their own, the oracle, and the scalar form.</summary>
public sealed class ExpertKernelTests
{
    public static TheoryData<CpuWidth> Widths => [CpuWidth.Vector128, CpuWidth.Vector256, CpuWidth.Vector512];

    [Theory]
    [InlineData(RouterScores.SoftmaxOfChosen, 1, 1, false)]
    [InlineData(RouterScores.Softmax, 1, 1, false)]
    [InlineData(RouterScores.Softmax, 8, 3, false)]
    [InlineData(RouterScores.Sigmoid, 8, 4, true)]
    [InlineData(RouterScores.Sigmoid, 1, 1, false)]
    public void Route_RandomLogits_IsTheFormula(RouterScores scores, int groups, int chosenGroups, bool byTwo)
    {
        const int Experts = 32, Chosen = 5, Tokens = 40;
        var shape = new RouterShape(Experts, Chosen, scores)
        {
            Groups = groups, ChosenGroups = chosenGroups, GroupsBySumOfTwo = byTwo, Renormalized = groups > 1, Scale = 1.5f,
        };
        TestNumbers numbers = new(3);
        float[] logits = numbers.Floats(Tokens * Experts, 4);
        float[] correction = scores == RouterScores.Sigmoid ? numbers.Floats(Experts, 0.3f) : [];
        foreach (KernelSet kernels in new KernelSet[] { new CpuKernels(2), new ReferenceKernels() })
        {
            using (kernels)
            {
                int[] experts = new int[Tokens * Chosen];
                float[] weights = new float[Tokens * Chosen];
                kernels.Route(shape, logits, Tokens, correction, experts, weights);
                for (int token = 0; token < Tokens; token++)
                {
                    (int[] expected, double[] shares) = Formula(shape, [.. logits.AsSpan(token * Experts, Experts)], correction);
                    Assert.Equal(expected, experts[(token * Chosen)..((token + 1) * Chosen)]);
                    for (int i = 0; i < Chosen; i++)
                        Assert.Equal(shares[i], weights[token * Chosen + i], 1e-5);
                }
            }
        }
    }

    [Fact]
    public void Route_EqualScores_TakesTheLowerIndex()
    {
        Assert.Equal([0, 1, 2], Chosen(new RouterShape(6, 3, RouterScores.SoftmaxOfChosen), [1, 1, 1, 1, 1, 1]).Experts);
        Assert.Equal([0, 3, 4], Chosen(new RouterShape(6, 3, RouterScores.Softmax), [1, 0, 0, 2, 2, 1]).Experts);
        Assert.Equal([1, 2], Chosen(new RouterShape(6, 2, RouterScores.Sigmoid) { Groups = 3, ChosenGroups = 2 }, [0, 5, 5, 1, 5, 0]).Experts);
    }

    [Fact]
    public void Route_NotANumber_IsTheWorstAndSpoilsItsTokenAlone()
    {
        foreach (RouterScores scores in Enum.GetValues<RouterScores>())
        {
            (int[] experts, float[] weights) = Chosen(new RouterShape(4, 2, scores), [float.NaN, 1, float.NegativeInfinity, 0, 0, 1, 2, 3]);
            Assert.Equal([1, 3, 2, 3], experts);
            Assert.True(float.IsNaN(weights[0]) && float.IsNaN(weights[1]));
            Assert.True(weights[2] > 0 && weights[3] > weights[2]);
            Assert.Equal([0, 1], Chosen(new RouterShape(4, 2, scores), [float.NaN, float.NaN, float.NaN, float.NaN]).Experts);
        }
    }

    [Fact]
    public void Route_ImpossibleShape_IsRefused()
    {
        foreach (RouterShape shape in new RouterShape[]
        {
            new(4, 5, RouterScores.Softmax), new(4, 0, RouterScores.Softmax), new(4, 2, RouterScores.Softmax) { Groups = 3 },
            new(4, 3, RouterScores.Softmax) { Groups = 2, ChosenGroups = 1 }, new(4, 2, RouterScores.Softmax) { Groups = 2, ChosenGroups = 3 },
        })
        {
            Assert.Throws<ArgumentException>(() => Chosen(shape, [1, 2, 3, 4]));
        }
    }

    [Fact]
    public void AddScaledRows_RowOutsideTheTarget_IsRefused()
    {
        using CpuKernels kernels = new(1);
        Assert.Throws<ArgumentException>(() => kernels.AddScaledRows(new float[4], [2], new float[2], [1]));
        Assert.Throws<ArgumentException>(() => kernels.AddScaledRows(new float[4], [-1], new float[2], [1]));
        Assert.Throws<ArgumentException>(() => kernels.AddScaledRows(new float[4], [0], new float[2], [1, 2]));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Elementwise_EveryLength_SameBitsAsScalar(CpuWidth width)
    {
        using CpuKernels vector = new(1, width), scalar = new(1, CpuWidth.Scalar);
        using ReferenceKernels reference = new();
        for (int length = 1; length <= 257; length++)
        {
            Same(scalar, vector, reference, length, static (kernels, numbers, length) =>
            {
                float[] target = numbers.Floats(3 * length, 10);
                kernels.AddScaledRows(target, [2, 0], numbers.Floats(2 * length, 3), [0.3f, -1.7f]);
                return target;
            });
            Same(scalar, vector, reference, length, static (kernels, numbers, length) =>
            {
                float[] gate = numbers.Floats(length, 12), up = numbers.Floats(length, 12);
                for (int i = 0; i < length; i += 7)
                    (gate[i], up[length - 1 - i]) = (i % 2 == 0 ? float.NaN : float.PositiveInfinity, i % 3 == 0 ? float.NegativeInfinity : float.NaN);
                kernels.ClampedSwiGlu(gate, up, 1.702f, 7f);
                return gate;
            });
        }
    }

    private static (int[] Experts, float[] Weights) Chosen(RouterShape shape, float[] logits)
    {
        using CpuKernels canonical = new(1);
        using ReferenceKernels reference = new();
        int tokens = logits.Length / shape.Experts;
        int[] experts = new int[tokens * shape.Chosen], others = new int[experts.Length];
        float[] weights = new float[experts.Length];
        reference.Route(shape, logits, tokens, [], others, weights);
        canonical.Route(shape, logits, tokens, [], experts, weights);
        Assert.Equal(others, experts);
        return (experts, weights);
    }

    private static (int[] Experts, double[] Weights) Formula(RouterShape shape, float[] logits, float[] correction)
    {
        double[] scores = [.. logits.Select(logit => shape.Scores == RouterScores.Sigmoid ? 1 / (1 + Math.Exp(-logit)) : Math.Exp(logit))];
        double[] ranked = [.. scores.Select((score, i) => score + (correction.Length > 0 ? correction[i] : 0))];
        int size = shape.Experts / shape.Groups;
        int[] groups = [.. Enumerable.Range(0, shape.Groups)
            .OrderByDescending(group => ranked.Skip(group * size).Take(size).OrderDescending().Take(shape.GroupsBySumOfTwo ? 2 : 1).Sum())
            .Take(shape.ChosenGroups)];
        int[] experts = [.. Enumerable.Range(0, shape.Experts).Where(i => groups.Contains(i / size)).OrderByDescending(i => ranked[i]).Take(shape.Chosen).Order()];
        double sum = shape.Scores switch
        {
            RouterScores.Softmax => scores.Sum(),
            RouterScores.Sigmoid when !shape.Renormalized => 1,
            _ => experts.Sum(i => scores[i]),
        };
        return (experts, [.. experts.Select(i => scores[i] / sum * shape.Scale)]);
    }

    private static void Same(CpuKernels scalar, CpuKernels vector, ReferenceKernels reference, int length, Func<KernelSet, TestNumbers, int, float[]> compute)
    {
        float[] expected = compute(scalar, new TestNumbers((ulong)length), length);
        Bits.AssertSame(expected, compute(vector, new TestNumbers((ulong)length), length), $"{vector.Width} length {length}");
        float[] oracle = compute(reference, new TestNumbers((ulong)length), length);
        for (int i = 0; i < oracle.Length; i++)
            Assert.True(oracle[i].Equals(expected[i]) || Math.Abs(oracle[i] - expected[i]) <= 1e-4, $"[{i}] of {length}: {expected[i]}, the oracle {oracle[i]}");
    }
}
