using Swarm.Models.Blocks;

namespace Swarm.Node.Compute;

/// <summary>Measures how many single-token passes a second the blocks allow.</summary>
internal sealed class SpeedProbe(BlockStack stack, KvPool pool, TimeProvider time) : IComputeWork
{
    private const int Passes = 3;

    public double TokensPerSecond { get; private set; }

    public void Run()
    {
        using KvCache cache = pool.CreateCache();
        float[] hidden = new float[stack.Config.Hidden];
        TimeSpan shortest = TimeSpan.MaxValue;
        for (int pass = 0; pass < Passes; pass++)
        {
            Array.Fill(hidden, 1f);
            long start = time.GetTimestamp();
            stack.Forward(hidden, [new StackStep(cache, pass, 1)]);
            TimeSpan elapsed = time.GetElapsedTime(start);
            shortest = elapsed < shortest ? elapsed : shortest;
        }

        TokensPerSecond = shortest > TimeSpan.Zero ? 1 / shortest.TotalSeconds : 0;
    }
}
