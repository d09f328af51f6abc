namespace Swarm.Kernels.Tests;

public sealed class WorkerPoolTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 100)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 1000)]
    [InlineData(4, 65537)]
    public void Run_AnyChunks_EachOnce(int threads, int chunks)
    {
        using WorkerPool pool = new(threads);
        int[] calls = new int[chunks];
        for (int round = 1; round <= 5; round++)
        {
            pool.Run(chunks, wake: round % 2 == 0, (worker, chunk) =>
            {
                Assert.InRange(worker, 0, threads - 1);
                Interlocked.Increment(ref calls[chunk]);
            });
            Assert.All(calls, count => Assert.Equal(round, count));
        }
    }

    [Fact]
    public void Run_ManyShortCalls_LosesNone()
    {
        using WorkerPool pool = new(3);
        long sum = 0;
        Action<int, int> body = (_, chunk) => Interlocked.Add(ref sum, chunk + 1);
        for (int call = 0; call < 20_000; call++)
            pool.Run(5, wake: call % 64 == 0, body);
        Assert.Equal(20_000 * 15, sum);
    }

    [Fact]
    public void Run_ChunkThrows_OthersFinishAndTheCallerGetsIt()
    {
        using WorkerPool pool = new(2);
        int finished = 0;
        for (int round = 0; round < 3; round++)
        {
            InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => pool.Run(10, wake: true, (_, chunk) =>
            {
                Interlocked.Increment(ref finished);
                if (chunk == 4)
                    throw new InvalidOperationException("chunk 4");
            }));
            Assert.Equal("chunk 4", thrown.Message);
        }

        Assert.Equal(30, finished);
        pool.Run(10, wake: true, (_, _) => Interlocked.Increment(ref finished));
        Assert.Equal(40, finished);
    }

    [Fact]
    public void Run_Wake_WorkersTakePart()
    {
        using WorkerPool pool = new(2);
        using CountdownEvent both = new(2);
        pool.Run(2, wake: true, (_, _) =>
        {
            both.Signal();
            Assert.True(both.Wait(s_limit), "the second thread never came");
        });
    }

    [Fact]
    public void Run_AfterWorkersParked_StillWakesThem()
    {
        using SemaphoreSlim parked = new(0);
        using WorkerPool pool = new(2) { Parking = () => parked.Release() };
        for (int round = 0; round < 3; round++)
        {
            using CountdownEvent both = new(2);
            pool.Run(2, wake: true, (_, _) =>
            {
                both.Signal();
                Assert.True(both.Wait(s_limit), "the second thread never came");
            });

            // An idle worker goes to sleep by itself; spinning on would halve everything on two cores.
            Assert.True(parked.Wait(s_limit), "the idle worker never parked");
        }

        Assert.InRange(pool.Parks, 3, int.MaxValue);
    }

    [Fact]
    public void NextSpinLimit_GapsLongThenShort_FallsAndRecovers()
    {
        // Gaps that no spinning bridges, as between a node's steps: the limit falls to a sixth.
        int limit = 200;
        for (int gap = 0; gap < 5; gap++)
            limit = WorkerPool.NextSpinLimit(limit, limit, metWork: false);
        Assert.Equal(32, limit);

        // Short gaps leave it, longer ones that were bridged raise it, to the most that it may be.
        Assert.Equal(32, WorkerPool.NextSpinLimit(limit, 2, metWork: true));
        Assert.Equal(120, WorkerPool.NextSpinLimit(limit, 30, metWork: true));
        Assert.Equal(200, WorkerPool.NextSpinLimit(120, 119, metWork: true));
    }

    [Fact]
    public void Dispose_Twice_EndsTheThreads()
    {
        WorkerPool pool = new(4);
        pool.Run(8, wake: true, static (_, _) => { });
        pool.Dispose();
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Run(8, wake: true, static (_, _) => { }));
    }
}
