using Swarm.Kernels.Cpu;
using Swarm.Models.Blocks;
using Swarm.Testing;

namespace Swarm.Models.Tests.Blocks;

/// <summary>Mixtures of experts: which experts a pass reads, and that nothing is allocated.</summary>
public sealed class ExpertTests
{
    private static readonly string[] s_families = ["mixtral", "qwen3-moe", "glm4-moe", "gpt-oss", "deepseek-v3"];

    public static TheoryData<string> Families => [.. s_families];

    [Theory]
    [MemberData(nameof(Families))]
    public void Forward_OneToken_ReadsTheChosenExpertsAndNoOthers(string family)
    {
        using var runner = new ModelRunner(TestData.Path($"families/{family}"), new CpuKernels(1));
        ExpertConfig experts = runner.Config.Experts!;
        int blocks = Enumerable.Range(0, runner.Config.Blocks).Count(experts.In);
        runner.Hidden([5]);
        ExpertCounters counters = runner.Stack.Experts;
        Assert.Equal(blocks * experts.Router.Chosen, counters.ExpertsComputed);
        Assert.Equal(blocks * experts.Router.Chosen, counters.ExpertRowsGathered);
        long biases = experts.Biases ? runner.Config.Hidden + 2 * experts.FeedForward : 0;
        long expert = 4L * (3 * runner.Config.Hidden * experts.FeedForward + biases);
        Assert.Equal(blocks * experts.Router.Chosen * expert, counters.ExpertBytesRead);
        Assert.True(counters.ExpertBytesRead < blocks * experts.Router.Experts * expert);
    }

    [Fact]
    public void KvLayout_LatentAttention_HoldsTheLatentAndTheSharedKeyAlone()
    {
        using var runner = new ModelRunner(TestData.Path("families/deepseek-v3"), new CpuKernels(1));
        LatentConfig latent = runner.Config.Latent!;
        Assert.Equal(runner.Config.Blocks * 64 * 2 * (latent.KeyValueRank + latent.RotaryDimension), runner.Stack.KvLayout.PageBytes);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Forward_ManyTokens_ReadsAnExpertOnceAPass(string family)
    {
        using var runner = new ModelRunner(TestData.Path($"families/{family}"), new CpuKernels(2));
        ExpertConfig experts = runner.Config.Experts!;
        int blocks = Enumerable.Range(0, runner.Config.Blocks).Count(experts.In);
        const int Tokens = 64;
        runner.Hidden([.. Enumerable.Range(0, Tokens).Select(i => (i * 37 + 11) % runner.Config.Vocabulary)]);
        Assert.Equal(blocks * Tokens * experts.Router.Chosen, runner.Stack.Experts.ExpertRowsGathered);
        Assert.InRange(runner.Stack.Experts.ExpertsComputed, blocks * experts.Router.Chosen + 1, blocks * experts.Router.Experts);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Forward_AfterTheFirstOfASize_AllocatesNothing(string family)
    {
        using var runner = new ModelRunner(TestData.Path($"families/{family}"), new CpuKernels(2));
        using KvCache first = runner.Pool.CreateCache(), second = runner.Pool.CreateCache();
        Assert.True(first.TryReserve(128) && second.TryReserve(128));
        var hidden = new float[2 * 16 * runner.Config.Hidden];
        int[] ids = [.. Enumerable.Range(0, 32).Select(i => (i * 13 + 7) % runner.Config.Vocabulary)];
        var steps = new StackStep[2];
        Pass(0, 16);
        Pass(16, 1);
        Pass(17, 16);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int position = 33; position < 101; position += 17)
        {
            Pass(position, 1);
            Pass(position + 1, 16);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Pass(int position, int count)
        {
            Span<float> rows = hidden.AsSpan(0, 2 * count * runner.Config.Hidden);
            runner.Ends.Embed(ids.AsSpan(0, 2 * count), 0, rows);
            steps[0] = new StackStep(first, position, count);
            steps[1] = new StackStep(second, position, count);
            runner.Stack.Forward(rows, steps);
        }
    }
}
