using Swarm.Node.Measurement;
using Swarm.Protocol;

namespace Swarm.Node.Tests;

/// <summary>What a node says of its speed and its links.</summary>
public sealed class MeterTests
{
    [Fact]
    public void Observe_PassesOfAnotherSpeed_MovesTheFigureThere()
    {
        var meter = new SpeedMeter();
        meter.Probed(0.010, 10);
        Assert.Equal(0.001, meter.SecondsPerBlock, 9);
        Assert.Equal(100, meter.TokensPerSecond(10), 6);

        // Half of the blocks in the time that all took.
        for (int pass = 0; pass < 100; pass++)
            meter.Observe(TimeSpan.FromMilliseconds(10), 5, 1);

        Assert.InRange(meter.SecondsPerBlock, 0.00195, 0.002);
    }

    [Fact]
    public void Observe_OnePassHeldUp_ChangesLittle()
    {
        var meter = new SpeedMeter();
        meter.Probed(0.010, 10);

        meter.Observe(TimeSpan.FromSeconds(30), 10, 1);

        Assert.InRange(meter.SecondsPerBlock, 0.001, 0.0012);
    }

    [Theory]
    [InlineData(0, 10, 1)]
    [InlineData(-5, 10, 1)]
    [InlineData(50, 0, 1)]
    [InlineData(50, 10, 0)]
    [InlineData(50, 10, 9)]
    public void Observe_PrefillOrNothing_ChangesNothing(int milliseconds, int blocks, int tokens)
    {
        var meter = new SpeedMeter();
        meter.Probed(0.010, 10);

        meter.Observe(TimeSpan.FromMilliseconds(milliseconds), blocks, tokens);

        Assert.Equal(0.001, meter.SecondsPerBlock);
    }

    [Fact]
    public void Observe_RoundTrips_ShorterAtOnceLongerSlowly()
    {
        var meter = new LinkMeter();
        PeerId peer = Peer(1);
        meter.Observe(peer, TimeSpan.FromMilliseconds(100));
        meter.Observe(peer, TimeSpan.FromMilliseconds(40));
        Assert.Equal(TimeSpan.FromMilliseconds(40), meter.To(peer));

        meter.Observe(peer, TimeSpan.FromMilliseconds(140));
        Assert.Equal(TimeSpan.FromMilliseconds(50), meter.To(peer));
        Assert.Null(meter.To(Peer(2)));
        meter.Observe(peer, TimeSpan.Zero);
        meter.Forget(peer);
        Assert.Null(meter.To(peer));
    }

    [Fact]
    public void Observe_ManyPeers_RemembersTheLatest()
    {
        var meter = new LinkMeter();
        for (int peer = 0; peer <= LinkMeter.MostPeers; peer++)
        {
            meter.Observe(Peer((byte)peer), TimeSpan.FromMilliseconds(peer + 1));
            meter.Observe(Peer(0), TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(LinkMeter.MostPeers, meter.Snapshot().Count);
        Assert.NotNull(meter.To(Peer(0)));
        Assert.Null(meter.To(Peer(1)));
    }

    [Fact]
    public void Read_ThisMachine_HasSomethingFree() => Assert.InRange(AvailableMemory.Read(), 1L << 20, 1L << 50);

    private static PeerId Peer(byte number)
    {
        byte[] bytes = new byte[PeerId.Length];
        bytes[0] = number;
        return new PeerId(bytes);
    }
}
