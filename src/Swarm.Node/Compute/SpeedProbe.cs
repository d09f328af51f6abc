using Swarm.Models.Blocks;

namespace Swarm.Node.Compute;

/// <summary>Measures how long a single token takes through the blocks. Its cache is its own, so that no session's promise is touched.</summary>
internal sealed class SpeedProbe(BlockStack stack, TimeProvider time) : IComputeWork
{
    private const int Passes = 3;

    /// <summary>Seconds of the shortest pass; 0 where the clock stood still.</summary>
    public double Seconds { get; private set; }

    public (int Blocks, int Tokens) Size => (stack.Span.Count, 1);

    public void Took(TimeSpan time) => Seconds += time.TotalSeconds;

    public void Run()
    {
        using var pool = new KvPool(stack.KvLayout.PageBytes, stack.KvLayout);
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

        Seconds = shortest.TotalSeconds;
    }
}
