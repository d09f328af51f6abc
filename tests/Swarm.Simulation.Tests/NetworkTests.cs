namespace Swarm.Simulation.Tests;

public sealed class NetworkTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Freeze_TimersAndPosts_WaitForTheThaw()
    {
        var world = new VirtualWorld();
        var process = new VirtualProcess(world, "one");

        TimeSpan rung = world.Run(async () =>
        {
            Task<TimeSpan> ring = process.StartAsync(async () =>
            {
                await Task.Delay(Second, process);
                return world.Elapsed;
            });
            await Task.Delay(Second / 2, world);
            process.Freeze();
            await Task.Delay(Second * 3, world);
            process.Thaw();
            return await ring;
        });

        Assert.Equal(Second * 3.5, rung);
    }

    [Fact]
    public void End_WhatItAwaits_NeverComes()
    {
        var world = new VirtualWorld();
        var process = new VirtualProcess(world, "one");
        bool cleanedUp = false;

        bool ended = world.Run(async () =>
        {
            Task<bool> life = process.StartAsync(async () =>
            {
                try
                {
                    await Task.Delay(Second, process);
                    return true;
                }
                finally
                {
                    cleanedUp = true;
                }
            });
            await Task.Delay(Second / 2, world);
            process.End();
            await Task.Delay(Second * 5, world);
            return life.IsCompleted;
        });

        Assert.False(ended);
        Assert.False(cleanedUp);
    }

    [Fact]
    public void Clock_ThatGoesTooFast_RingsEarly()
    {
        var world = new VirtualWorld();
        var process = new VirtualProcess(world, "one") { Rate = 1.25, Skew = TimeSpan.FromHours(1) };

        TimeSpan rung = world.Run(() => process.StartAsync(async () =>
        {
            await Task.Delay(Second, process);
            return world.Elapsed;
        }));

        Assert.InRange(rung, Second * 0.8, (Second * 0.8) + TimeSpan.FromMicroseconds(1));
        Assert.InRange(process.GetUtcNow() - world.GetUtcNow(), TimeSpan.FromHours(1), TimeSpan.FromHours(1) + Second);
    }

    [Fact]
    public void Run_SomethingFromAnotherThread_EndsTheRun()
    {
        var world = new VirtualWorld();

        var exception = Assert.Throws<InvalidOperationException>(() => world.Run(async () =>
        {
            SynchronizationContext here = SynchronizationContext.Current!;
            var thread = new Thread(() => here.Post(static _ => { }, null));
            thread.Start();
            thread.Join();
            await Task.Delay(Second, world);
            return true;
        }));

        Assert.Contains("another thread", exception.Message, StringComparison.Ordinal);
    }
}
