using Swarm.Kernels;
using Swarm.Models.Sampling;

namespace Swarm.Models.Tests.Sampling;

public sealed class SamplerTests
{
    [Fact]
    public void Sample_Greedy_TakesTheHighestAndOfEqualOnesTheLowestId()
    {
        var sampler = new Sampler(SamplingOptions.Greedy);
        for (int length = 1; length < 70; length++)
        {
            for (int at = 0; at < length; at += 3)
            {
                float[] logits = new float[length];
                Array.Fill(logits, -1f);
                logits[at] = 2f;
                logits[^1] = 2f;
                Assert.Equal(at, sampler.Sample(logits, [], 0));
            }
        }

        Assert.Equal(0, sampler.Sample([-0f, 0f], [], 0));
        Assert.Equal(0, sampler.Sample([0f, -0f], [], 0));
    }

    [Fact]
    public void Sample_AnyOptions_AgreesWithSortingEverything()
    {
        int changed = 0;
        for (ulong seed = 0; seed < 300; seed++)
        {
            float[] logits = Logits(seed, 97);
            int[] history = [.. Enumerable.Range(0, (int)(seed % 7)).Select(i => (int)(seed + (ulong)(i * 31)) % 97), 5, 5];
            var options = new SamplingOptions
            {
                Temperature = 0.3f + (seed % 5 * 0.4f),
                TopK = (int)(seed % 4) * 9,
                TopP = seed % 3 == 0 ? 1 : 0.35f + (seed % 6 * 0.1f),
                MinP = seed % 2 == 0 ? 0 : 0.05f,
                RepeatPenalty = seed % 5 == 0 ? 1 : 1.3f,
                RepeatLastN = seed % 8 == 0 ? 2 : null,
                Seed = seed,
            };
            var sampler = new Sampler(options);
            for (long position = 0; position < 5; position++)
            {
                int expected = BruteForce(options, logits, history, position);
                Assert.Equal(expected, sampler.Sample(logits, history, position));
                changed += expected == new Sampler(options with { Temperature = 0 }).Sample(logits, history, position) ? 0 : 1;
            }
        }

        Assert.True(changed > 300, $"only {changed} of 1500 draws were not the greedy choice");
    }

    [Fact]
    public void Sample_OptionsChangedBetweenCalls_ChoosesAsAFreshSamplerWould()
    {
        var shared = new Sampler(SamplingOptions.Greedy);
        for (ulong seed = 0; seed < 40; seed++)
        {
            // Of different sizes too: the scratch memory grows, and what others left in it does not count.
            float[] logits = Logits(seed, 40 + (int)(seed % 3 * 30));
            int[] history = [(int)(seed % 40), 5, 5];
            var options = new SamplingOptions { Temperature = seed % 3 * 0.6f, TopK = (int)(seed % 4) * 9, RepeatPenalty = seed % 5 == 0 ? 1 : 1.3f, Seed = seed };
            shared.Options = options;
            Assert.Equal(new Sampler(options).Sample(logits, history, 7), shared.Sample(logits, history, 7));
        }

        Assert.Throws<ModelException>(() => shared.Options = SamplingOptions.Greedy with { TopP = 0 });
        Assert.Equal(39ul, shared.Options.Seed);
    }

    [Fact]
    public void Sample_ManyPositions_FollowsTheProbabilities()
    {
        float[] logits = [1f, 0f, 2f, -1f, 0.5f, float.NegativeInfinity];
        var sampler = new Sampler(new SamplingOptions { Temperature = 0.8f, Seed = 42 });
        const int draws = 40_000;
        int[] counts = new int[logits.Length];
        for (long position = 0; position < draws; position++)
            counts[sampler.Sample(logits, [], position)]++;
        double total = logits.Sum(l => Math.Exp(l / 0.8));
        double chiSquare = 0;
        for (int id = 0; id < 5; id++)
        {
            double expected = draws * Math.Exp(logits[id] / 0.8) / total;
            chiSquare += Math.Pow(counts[id] - expected, 2) / expected;
        }

        Assert.Equal(0, counts[5]);

        // 4 degrees of freedom: 18.5 is passed once in a thousand by chance, and the seed is fixed.
        Assert.True(chiSquare < 18.5, $"chi-square {chiSquare:F1} of counts {string.Join(",", counts)}");
    }

    [Fact]
    public void Sample_CallsInAnyOrder_GiveTheSameTokens()
    {
        var options = new SamplingOptions { Temperature = 1.1f, TopK = 20, TopP = 0.95f, MinP = 0.01f, RepeatPenalty = 1.2f, Seed = 7 };
        float[][] logits = [.. Enumerable.Range(0, 16).Select(i => Logits((ulong)i, 512))];
        int[] history = [3, 9, 3, 40];
        var forward = new Sampler(options);
        int[] expected = [.. Enumerable.Range(0, 16).Select(p => forward.Sample(logits[p], history, p))];
        var backward = new Sampler(options);
        for (int p = 15; p >= 0; p--)
        {
            Assert.Equal(expected[p], backward.Sample(logits[p], history, p));
            Assert.Equal(expected[p], backward.Sample(logits[p], history, p));
        }

        var other = new Sampler(options with { Seed = 8 });
        Assert.NotEqual(expected, Enumerable.Range(0, 16).Select(p => other.Sample(logits[p], history, p)));
    }

    [Fact]
    public void Sample_RepeatPenalty_CountsATokenOnceAndOnlyInsideTheWindow()
    {
        var options = new SamplingOptions { RepeatPenalty = 2 };
        float[] logits = [4f, 3f, -1f];
        Assert.Equal(1, new Sampler(options).Sample(logits, [0, 0, 0], 3));
        Assert.Equal(0, new Sampler(options with { RepeatPenalty = 1.2f }).Sample(logits, [0, 0, 0], 3));
        Assert.Equal(0, new Sampler(options with { RepeatLastN = 1 }).Sample(logits, [0, 1], 2));
        Assert.Equal(0, new Sampler(options with { RepeatLastN = 0 }).Sample(logits, [0], 1));

        // Multiplied where negative: the penalty never makes a token likelier.
        Assert.Equal(1, new Sampler(options).Sample([-1f, -1.5f], [0], 1));
        Assert.Equal([4f, 3f, -1f], logits);
    }

    [Fact]
    public void Sample_TopKWithTiesAtTheEnd_KeepsAllOfThem()
    {
        float[] logits = [1f, 5f, 3f, 3f, 3f, 0f];
        var sampler = new Sampler(new SamplingOptions { Temperature = 2, TopK = 2, Seed = 1 });
        int[] seen = [.. Enumerable.Range(0, 500).Select(p => sampler.Sample(logits, [], p)).Distinct().Order()];
        Assert.Equal([1, 2, 3, 4], seen);
    }

    [Theory]
    [InlineData(float.NaN, "Logit of token 40 is NaN")]
    [InlineData(float.PositiveInfinity, "Logit of token 40 is Infinity")]
    public void Sample_LogitThatIsNoNumber_IsNamed(float bad, string message)
    {
        float[] logits = Logits(1, 64);
        logits[40] = bad;
        foreach (float temperature in new[] { 0f, 1f })
        {
            var e = Assert.Throws<ModelException>(() => new Sampler(new SamplingOptions { Temperature = temperature }).Sample(logits, [], 0));
            Assert.Equal(ModelError.InvalidArgument, e.Error);
            Assert.Contains(message, e.Message);
        }
    }

    [Fact]
    public void Sample_NothingToChooseFrom_IsRefused()
    {
        var sampler = new Sampler(SamplingOptions.Greedy);
        Assert.Throws<ModelException>(() => sampler.Sample([], [], 0));
        Assert.Throws<ModelException>(() => sampler.Sample([float.NegativeInfinity], [], 0));
        Assert.Throws<ModelException>(() => new Sampler(new SamplingOptions { RepeatPenalty = 2 }).Sample([1f, 2f], [2], 0));
    }

    [Theory]
    [InlineData(-0.1f, 0, 1f, 0f, 1f, 0, "Temperature is -0.1")]
    [InlineData(float.NaN, 0, 1f, 0f, 1f, 0, "Temperature is NaN")]
    [InlineData(1f, -1, 1f, 0f, 1f, 0, "TopK is -1")]
    [InlineData(1f, 0, 0f, 0f, 1f, 0, "TopP is 0")]
    [InlineData(1f, 0, 1.5f, 0f, 1f, 0, "TopP is 1.5")]
    [InlineData(1f, 0, 1f, 2f, 1f, 0, "MinP is 2")]
    [InlineData(1f, 0, 1f, 0f, 0f, 0, "RepeatPenalty is 0")]
    [InlineData(1f, 0, 1f, 0f, 1f, -1, "RepeatLastN is -1")]
    public void Constructor_OptionOutOfRange_NamesFieldAndValue(
        float temperature, int topK, float topP, float minP, float penalty, int lastN, string message)
    {
        var e = Assert.Throws<ModelException>(() => new Sampler(new SamplingOptions
        {
            Temperature = temperature, TopK = topK, TopP = topP, MinP = minP, RepeatPenalty = penalty, RepeatLastN = lastN,
        }));
        Assert.Equal(ModelError.InvalidArgument, e.Error);
        Assert.Contains(message, e.Message);
    }

    [Theory]
    [InlineData(0, 0.9f, 1f)]
    [InlineData(0, 0.9999f, 1f)]
    [InlineData(0, 0.99999994f, 3f)]
    [InlineData(50_000, 1f, 5f)]
    [InlineData(30, 0.5f, 0.5f)]
    public void Sample_LargeVocabulary_EqualsSortingAll(int topK, float topP, float temperature)
    {
        // Scores spread far, so that the likely candidates sometimes suffice and sometimes do not.
        float[] logits = [.. Logits(5, 60_000).Select(logit => 3 * logit)];
        var sampler = new Sampler(new SamplingOptions { Temperature = temperature, TopK = topK, TopP = topP, Seed = 7 });
        float[] scores = [.. logits.Select(logit => logit / temperature)];
        float highest = scores.Max();
        int[] order = [.. Enumerable.Range(0, scores.Length).OrderByDescending(id => scores[id]).ThenBy(id => id)];
        if (topK > 0)
            order = [.. order.TakeWhile(id => scores[id] >= scores[order[topK - 1]])];
        double total = order.Order().Sum(id => (double)KernelMath.Exp(scores[id] - highest)), sum = 0;
        double reach = topP == 1 ? double.PositiveInfinity : topP * total;
        List<int> kept = [];
        foreach (int id in order)
        {
            if (sum >= reach)
                break;
            kept.Add(id);
            sum += KernelMath.Exp(scores[id] - highest);
        }

        for (int position = 0; position < 40; position++)
        {
            double target = CounterRandom.Uniform(7, position) * sum, running = 0;
            int expected = kept.First(id => (running += KernelMath.Exp(scores[id] - highest)) > target);
            Assert.Equal(expected, sampler.Sample(logits, [], position));
        }
    }

    [Fact]
    public void Sample_LargeVocabulary_OrdersTheLikelyOnly()
    {
        float[] logits = [.. Logits(5, 150_000).Select(logit => 16 * logit)];
        var sampler = new Sampler(new SamplingOptions { Temperature = 1, TopP = 0.9f });
        sampler.Sample(logits, [], 0);
        Assert.InRange(sampler.Ordered, 1, 15_000);
    }

    [Fact]
    public void Sample_AfterTheFirstCall_AllocatesNothing()
    {
        float[] logits = Logits(3, 4096);
        int[] history = [1, 2, 3];
        foreach (SamplingOptions options in new[]
        {
            SamplingOptions.Greedy,
            new SamplingOptions { Temperature = 1 },
            new SamplingOptions { Temperature = 1, TopK = 40, TopP = 0.9f, MinP = 0.05f, RepeatPenalty = 1.1f },
        })
        {
            var sampler = new Sampler(options);
            sampler.Sample(logits, history, 0);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int p = 1; p < 20; p++)
                sampler.Sample(logits, history, p);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void Block_KnownInputs_EqualsThePublishedVectors()
    {
        // Random123 1.14.0, kat_vectors, philox4x32 10.
        Assert.Equal((0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u), CounterRandom.Block(0, 0, 0));
        Assert.Equal((0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu), CounterRandom.Block(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue));
        Assert.Equal(
            (0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u), CounterRandom.Block(0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e));
    }

    private static float[] Logits(ulong seed, int count)
    {
        float[] logits = new float[count];
        for (int i = 0; i < count; i++)
            logits[i] = MathF.Round((float)(CounterRandom.Uniform(seed ^ 0xABCD, i) - 0.5) * 64) / 8;
        return logits;
    }

    /// <summary>The definition, step by step over a sorted list; steps that keep all are the order of ids, as the sampler states.</summary>
    private static int BruteForce(SamplingOptions options, float[] logits, int[] history, long position)
    {
        float[] scores = [.. logits];
        foreach (int id in (options.RepeatLastN is { } n ? history.TakeLast(n) : history).Distinct())
            scores[id] = scores[id] < 0 ? scores[id] * options.RepeatPenalty : scores[id] / options.RepeatPenalty;
        for (int i = 0; i < scores.Length; i++)
            scores[i] /= options.Temperature;
        float highest = scores.Max();
        IEnumerable<int> kept = Enumerable.Range(0, scores.Length);
        if (options.TopK > 0 || options.TopP < 1)
            kept = kept.OrderByDescending(i => scores[i]).ThenBy(i => i);
        if (options.TopK > 0)
        {
            float least = scores.OrderDescending().ElementAt(options.TopK - 1);
            kept = kept.Where(i => scores[i] >= least);
        }

        int[] candidates = [.. kept];
        double total = candidates.Order().Sum(Weight), sum = 0;
        if (options.TopP < 1)
        {
            var nucleus = new List<int>();
            foreach (int id in candidates)
            {
                if (sum >= options.TopP * total)
                    break;
                nucleus.Add(id);
                sum += Weight(id);
            }

            candidates = [.. nucleus];
        }

        candidates = [.. candidates.Where(i => Weight(i) >= options.MinP)];
        double target = CounterRandom.Uniform(options.Seed, position) * candidates.Sum(Weight);
        sum = 0;
        return candidates.First(i => (sum += Weight(i)) > target);

        double Weight(int id) => KernelMath.Exp(scores[id] - highest);
    }
}
