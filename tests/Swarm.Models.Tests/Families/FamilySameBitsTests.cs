using System.Reflection;
using Swarm.Kernels.Cpu;
using Swarm.Models.Blocks;
using Swarm.Models.Families;
using Swarm.Models.Tests.Blocks;
using Swarm.Testing;

namespace Swarm.Models.Tests.Families;

/// <summary>Each family under the canonical kernels: however the work is divided, the bits are the same.</summary>
public sealed class FamilySameBitsTests
{
    private const int Tokens = 70;

    public static TheoryData<string> Families => FamilyGoldenTests.Families;

    [Theory]
    [MemberData(nameof(Families))]
    public void Forward_WidthsStepsThreadsAndNodes_SameBits(string family)
    {
        string path = TestData.Path($"families/{family}");
        float[] expected, logits;
        int[] ids;
        using (var one = new ModelRunner(path, new CpuKernels(1)))
        {
            ids = [.. Enumerable.Range(0, Tokens).Select(i => (int)(((uint)i * 2654435761u >> 7) % (uint)one.Config.Vocabulary))];
            expected = one.Hidden(ids);
            logits = one.LogitsOf(expected);
            Numbers.AssertSameBits(expected, one.Hidden(ids, 1), "one by one");
            Numbers.AssertSameBits(expected, one.Hidden(ids, 5, 60, 1), "uneven steps");
        }

        foreach (CpuWidth width in Enum.GetValues<CpuWidth>())
        {
            using var other = new ModelRunner(path, new CpuKernels(2, width));
            float[] hidden = other.Hidden(ids, 33, 7, 30);
            Numbers.AssertSameBits(expected, hidden, $"{width} on two threads");
            Numbers.AssertSameBits(logits, other.LogitsOf(hidden), $"logits of {width}");
        }

        AssertNodes(path, ids, expected);
        AssertTogether(path, ids, expected);
    }

    [Theory]
    [InlineData("gemma3")]
    [InlineData("gpt2")]
    [InlineData("bloom")]
    [InlineData("falcon")]
    [InlineData("olmo2")]
    public void Forward_AfterTheFirstSteps_AllocatesNothing(string family)
    {
        using var runner = new ModelRunner(TestData.Path($"families/{family}"), new CpuKernels(1));
        using KvCache cache = runner.Pool.CreateCache();
        Assert.True(cache.TryReserve(128));
        int[] ids = [1, 2, 3, 4];
        float[] hidden = new float[ids.Length * runner.Config.Hidden], logits = new float[runner.Config.Vocabulary];
        StackStep[] steps = new StackStep[1];
        int position = 0;
        for (int i = 0; i < 6; i++)
            Step(i % 2 == 0 ? 4 : 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        while (position < 120)
            Step(position % 2 == 0 ? 4 : 1);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Step(int count)
        {
            Span<float> rows = hidden.AsSpan(0, count * runner.Config.Hidden);
            runner.Ends.Embed(ids.AsSpan(0, count), position, rows);
            steps[0] = new StackStep(cache, position, count);
            runner.Stack.Forward(rows, steps);
            runner.Ends.Logits(rows[..runner.Config.Hidden], 1, logits);
            position += count;
        }
    }

    [Fact]
    public void Forward_OfEveryFamily_IsTheOne()
    {
        Assert.True(typeof(BlockStack).IsSealed);
        Assert.True(typeof(TransformerBlock).IsSealed);
        Assert.False(typeof(ModelFamily).GetMethod(nameof(ModelFamily.LoadBlock))!.IsVirtual);
        Type[] families = [.. typeof(ModelFamily).Assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(ModelFamily)))];
        Assert.True(families.Length > 13);
        foreach (Type family in families)
        {
            const BindingFlags Own = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
            Assert.DoesNotContain(
                family.GetMethods(Own),
                method => method.GetParameters().Any(parameter => parameter.ParameterType == typeof(Span<float>) || parameter.ParameterType == typeof(StackScratch)));
        }
    }

    // Three nodes, each with its span and caches of its own.
    private static void AssertNodes(string path, int[] ids, float[] expected)
    {
        using ModelSource source = ModelSource.Open(path);
        using var kernels = new CpuKernels(1);
        using ModelEnds ends = ModelEnds.Load(source, kernels);
        BlockSpan[] spans = [new(0, 1), new(1, 2), new(2, source.Config.Blocks)];
        BlockStack[] nodes = [.. spans.Select(span => BlockStack.Load(source, span, kernels))];
        KvPool[] pools = [.. nodes.Select(node => new KvPool(1 << 22, node.KvLayout))];
        KvCache[] caches = [.. pools.Select(pool => pool.CreateCache())];
        int width = source.Config.Hidden;
        int position = 0;
        foreach (int count in new[] { 20, 1, 44, 5 })
        {
            var hidden = new float[count * width];
            ends.Embed(ids.AsSpan(position, count), position, hidden);
            for (int node = 0; node < nodes.Length; node++)
                nodes[node].Forward(hidden, [new StackStep(caches[node], position, count)]);
            Numbers.AssertSameBits(expected.AsSpan(position * width, count * width), hidden, $"three nodes from {position}");
            position += count;
        }

        Assert.Equal(Tokens, position);
        foreach (IDisposable thing in (IDisposable[])[.. caches, .. pools, .. nodes])
            thing.Dispose();
    }

    // Three sessions at different positions in one pass.
    private static void AssertTogether(string path, int[] ids, float[] expected)
    {
        using var runner = new ModelRunner(path, new CpuKernels(2));
        int width = runner.Config.Hidden;
        KvCache[] caches = [.. Enumerable.Range(0, 3).Select(_ => runner.Pool.CreateCache())];
        int[] positions = new int[3];
        foreach (int round in Enumerable.Range(0, 4))
        {
            int[] counts = [.. caches.Select((_, session) => round == 0 ? (22 * session) + 3 : session + 1)];
            var hidden = new float[counts.Sum() * width];
            var steps = new StackStep[3];
            int first = 0;
            for (int session = 0; session < 3; session++)
            {
                steps[session] = new StackStep(caches[session], positions[session], counts[session]);
                runner.Ends.Embed(ids.AsSpan(positions[session], counts[session]), positions[session], hidden.AsSpan(first * width, counts[session] * width));
                first += counts[session];
            }

            runner.Stack.Forward(hidden, steps);
            first = 0;
            for (int session = 0; session < 3; session++)
            {
                Numbers.AssertSameBits(
                    expected.AsSpan(positions[session] * width, counts[session] * width), hidden.AsSpan(first * width, counts[session] * width), $"session {session} of three");
                first += counts[session];
                positions[session] += counts[session];
            }
        }

        foreach (KvCache cache in caches)
            cache.Dispose();
    }
}
