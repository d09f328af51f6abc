using Swarm.Kernels.Codecs;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Models.Sampling;
using Swarm.Node.SwarmEnds;
using Swarm.Testing;

namespace Swarm.Node.Tests.SwarmEnds;

/// <summary>The last hop chooses what a client with local ends would choose, whoever shares the pass.</summary>
public sealed class HeadPassTests : IDisposable
{
    private readonly ModelSource _source = ModelSource.Open(TestData.Path("families/llama"));
    private readonly CpuKernels _kernels = new(1);
    private readonly ModelEnds _ends;

    public HeadPassTests()
    {
        _ends = ModelEnds.Load(_source, _kernels);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(HeadPass.MostRows)]
    public void Choose_RowsOfSeveralSessions_GivesWhatEachAloneWouldGet(int rows)
    {
        int hidden = _source.Config.Hidden;
        var pass = new HeadPass(hidden);
        int different = 0;
        for (int round = 0; round < 4; round++)
        {
            pass.Clear();
            for (int row = 0; row < rows; row++)
                pass.Add(Row(round, row), Codec(row));
            pass.Compute(_ends);
            for (int row = 0; row < rows; row++)
            {
                int[] history = [.. Enumerable.Range(0, 3 + row).Select(index => (index * 7 + round) % 90)];
                float[] values = Row(round, row);
                Codec(row).Round(values, 1, hidden);
                float[] logits = new float[_source.Config.Vocabulary];
                _ends.Logits(values, 1, logits);
                int expected = new Sampler(Sampling(row)).Sample(logits, history, history.Length);

                Assert.Equal(expected, pass.Choose(row, Sampling(row), history));
                different += expected == new Sampler(SamplingOptions.Greedy).Sample(logits, history, history.Length) ? 0 : 1;
            }
        }

        Assert.Equal(4 * rows, pass.Chosen);
        Assert.True(rows < 3 || different > 0, "every choice was the greedy one: the test shows nothing of sampling");
    }

    [Fact]
    public void Choose_AfterTheFirstPassOfASize_AllocatesNothing()
    {
        float[] row = Row(1, 1);
        int[] history = [1, 2, 3, 4];
        SamplingOptions sampling = Sampling(1);
        var pass = new HeadPass(_source.Config.Hidden);
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();

        for (int time = 0; time < 20; time++)
            Run();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run()
        {
            pass.Clear();
            for (int index = 0; index < 3; index++)
                pass.Add(row, ActivationCodec.F32);
            pass.Compute(_ends);
            for (int index = 0; index < 3; index++)
                pass.Choose(index, sampling, history);
        }
    }

    [Fact]
    public void Choose_LogitsThatAreNoNumbers_FailForThatRowAlone()
    {
        var pass = new HeadPass(_source.Config.Hidden);
        float[] bad = Row(0, 1);
        bad[5] = float.NaN;
        pass.Add(Row(0, 0), ActivationCodec.F32);
        pass.Add(bad, ActivationCodec.F32);
        pass.Compute(_ends);

        int chosen = pass.Choose(0, SamplingOptions.Greedy, [1]);

        Assert.InRange(chosen, 0, _source.Config.Vocabulary - 1);
        Assert.Equal(ModelError.InvalidArgument, Assert.Throws<ModelException>(() => pass.Choose(1, SamplingOptions.Greedy, [1])).Error);
    }

    public void Dispose()
    {
        _ends.Dispose();
        _kernels.Dispose();
        _source.Dispose();
    }

    private static ActivationCodec Codec(int row) => row % 3 == 1 ? ActivationCodec.All.First(codec => codec.Name == "int8") : ActivationCodec.F32;

    private static SamplingOptions Sampling(int row) => (row % 3) switch
    {
        0 => SamplingOptions.Greedy,
        1 => new SamplingOptions { Temperature = 1.2f, TopK = 30, RepeatPenalty = 1.3f, Seed = (ulong)row },
        _ => new SamplingOptions { Temperature = 0.9f, Seed = (ulong)row },
    };

    private float[] Row(int round, int row) =>
        [.. Enumerable.Range(0, _source.Config.Hidden).Select(index => (float)Math.Sin((index * (row + 1)) + round + (0.3 * row)))];
}
