using Swarm.Kernels.Codecs;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;

namespace Swarm.Client.Tests;

public sealed class AutoCodecTests
{
    [Theory]
    [InlineData(576, 8, 125e6, "f32")]
    [InlineData(576, 0.1, 125e6, "fine")]
    [InlineData(576, 8, 2.5e6, "f32")]
    [InlineData(8192, 8, 12.5e6, "fine")]
    [InlineData(8192, 100, 2.5e6, "fine")]
    [InlineData(8192, 3, 2.5e6, "medium")]
    [InlineData(8192, 2, 2.5e6, "coarse")]
    [InlineData(8192, 0, 2.5e6, "coarse")]
    [InlineData(8192, 0, double.PositiveInfinity, "f32")]
    public void Choose_LinkAgainstCompute_TheLeastErrorThatItCarries(int hidden, double computeMilliseconds, double bytesPerSecond, string expected) =>
        Assert.Equal(expected, AutoCodec.Choose(hidden, TimeSpan.FromMilliseconds(computeMilliseconds), bytesPerSecond).Name);

    [Fact]
    public void BytesPerSecond_LongerWays_CarryLess()
    {
        double[] rates = [.. new[] { 0, 1, 1.5, 10, 11, 500 }.Select(ms => AutoCodec.BytesPerSecond(TimeSpan.FromMilliseconds(ms)))];
        Assert.Equal([125e6, 125e6, 12.5e6, 12.5e6, 2.5e6, 2.5e6], rates);
    }

    [Theory]
    [InlineData(0.5, "f32")]
    [InlineData(30.0, "fine")]
    [InlineData(null, "fine")]
    public void Choose_Route_TheSlowestLinkDecides(double? milliseconds, string expected)
    {
        PeerId first = new(Enumerable.Repeat((byte)1, PeerId.Length).ToArray());
        PeerId second = new(Enumerable.Repeat((byte)2, PeerId.Length).ToArray());
        RouteCandidate from = new(first, "10.0.0.1:1", new BlockSpan(0, 5))
        {
            BlockTime = TimeSpan.FromMilliseconds(1),
            Links = milliseconds is { } ms ? [new LinkMeasurement(second, TimeSpan.FromMilliseconds(ms))] : [],
        };
        RouteCandidate to = new(second, "10.0.0.2:1", new BlockSpan(5, 10)) { BlockTime = TimeSpan.FromMilliseconds(1) };
        Assert.Equal(expected, AutoCodec.Choose([(from, 5), (to, 5)], 2048).Name);
        Assert.Equal(ActivationCodec.F32, AutoCodec.Choose([(from, 5)], 2048));
    }
}
