using Swarm.Protocol.Weights;

namespace Swarm.Protocol.Tests.Weights;

public sealed class TransferPacingTests
{
    private const int Part = 60 << 10;

    [Fact]
    public void Take_NodeThatRests_NothingWaits()
    {
        var pacing = new TransferPacing();

        for (int part = 0; part < 1000; part++)
            Assert.Equal(TimeSpan.Zero, pacing.Take(Part, 0, TimeSpan.Zero));
    }

    [Fact]
    public void Take_NodeThatComputes_NoMoreThanItsShareOfASecond()
    {
        var pacing = new TransferPacing();
        long sent = 0;
        var now = TimeSpan.Zero;
        for (long step = 1; now < TimeSpan.FromSeconds(10); step++)
        {
            TimeSpan wait = pacing.Take(Part, step, now);
            sent += wait == TimeSpan.Zero ? Part : 0;
            now += wait == TimeSpan.Zero ? TimeSpan.FromMilliseconds(1) : wait;
        }

        long share = 10 * WeightsLimits.BytesPerSecondWhileComputing;
        Assert.InRange(sent, share - (2 * Part), share + WeightsLimits.MaxPartBytes);
    }

    [Fact]
    public void Take_ASecondAfterTheLastStep_GoesOnAsFastAsItCan()
    {
        var pacing = new TransferPacing();
        Assert.Equal(TimeSpan.Zero, pacing.Take(Part, 1, TimeSpan.Zero));
        Assert.NotEqual(TimeSpan.Zero, pacing.Take(Part, 1, TimeSpan.FromMilliseconds(1)));

        for (int part = 0; part < 100; part++)
            Assert.Equal(TimeSpan.Zero, pacing.Take(Part, 1, WeightsLimits.ComputingTime));
    }
}
