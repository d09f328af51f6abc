using Grpc.Core;
using Swarm.Node.Sessions;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Node.Tests.Sessions;

/// <summary>The listening side of a link, on a clock that the test moves.</summary>
public sealed class WatchedInboundLinkTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly Sent _sent = new();
    private readonly LinkWatcher _watcher;
    private readonly WatchedInboundLink _link;
    private ulong _units;
    private int _ended;

    public WatchedInboundLinkTests()
    {
        _watcher = new LinkWatcher(_time);
        _link = new WatchedInboundLink(new LinkSender(_sent), () => new Progress { Units = ++_units, PendingSteps = 3 }, _watcher, () => _ended++);
    }

    public void Dispose() => _watcher.Dispose();

    [Fact]
    public void Takes_NoSessionYet_NobodySpeaksAndNobodyIsWatched()
    {
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Empty(_sent.Frames);
        Assert.Equal(0, _ended);
    }

    [Theory]
    [InlineData(LinkFrame.BodyOneofCase.Open)]
    [InlineData(LinkFrame.BodyOneofCase.Attach)]
    [InlineData(LinkFrame.BodyOneofCase.Step)]
    [InlineData(LinkFrame.BodyOneofCase.Progress)]
    public void Takes_FirstFrameOfASession_SpeaksEveryHeartbeatAndEndsAfterVanish(LinkFrame.BodyOneofCase body)
    {
        Assert.Equal(body == LinkFrame.BodyOneofCase.Progress, _link.Takes(Frame(body)));
        Advance(2.799);
        Assert.Equal(0, _ended);
        Assert.Equal([1ul, 2ul, 3ul, 4ul, 5ul], _sent.Frames.Select(frame => frame.Progress.Units));
        Assert.All(_sent.Frames, frame => Assert.Equal(3u, frame.Progress.PendingSteps));
        Advance(0.001);
        Assert.Equal(1, _ended);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((5, 1), (_sent.Frames.Count, _ended));
    }

    [Fact]
    public void Takes_DiallerSpeaks_LivesAsLongAsItDoes()
    {
        for (int beat = 0; beat < 100; beat++)
        {
            Assert.True(_link.Takes(Frame(LinkFrame.BodyOneofCase.Progress)));
            Advance(0.5);
        }

        Assert.Equal(0, _ended);
        Assert.Equal(100, _watcher.Beats);
    }

    [Fact]
    public void Takes_PartsOfALongTransferAlone_CountAsHeard()
    {
        Assert.False(_link.Takes(Frame(LinkFrame.BodyOneofCase.Step)));
        for (int part = 0; part < 30; part++)
        {
            Advance(2.5);
            Assert.False(_link.Takes(Frame(LinkFrame.BodyOneofCase.None)));
        }

        Assert.Equal(0, _ended);
    }

    [Fact]
    public void Takes_DiallerSaysThatItHasNoneLeft_FallsSilentAndWatchesNoMore()
    {
        _link.Takes(Frame(LinkFrame.BodyOneofCase.Open));
        Advance(1);
        _link.Takes(new LinkMessage(new LinkFrame { Progress = new Progress() }));
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal((2, 0), (_sent.Frames.Count, _ended));

        // And with the next session again.
        _link.Takes(Frame(LinkFrame.BodyOneofCase.Attach));
        Advance(2.8);
        Assert.Equal((7, 1), (_sent.Frames.Count, _ended));
    }

    private static LinkMessage Frame(LinkFrame.BodyOneofCase body)
    {
        LinkFrame frame = body switch
        {
            LinkFrame.BodyOneofCase.Open => new LinkFrame { Open = new OpenSession() },
            LinkFrame.BodyOneofCase.Attach => new LinkFrame { Attach = new Attach() },
            LinkFrame.BodyOneofCase.Step => new LinkFrame { Step = new Step() },
            LinkFrame.BodyOneofCase.Progress => new LinkFrame { Progress = new Progress { Sessions = 1 } },
            _ => new LinkFrame(),
        };
        return new LinkMessage(body == LinkFrame.BodyOneofCase.Progress ? frame : frame.Address(new SessionId(1, 1), 0));
    }

    private void Advance(double seconds) => _time.Advance(TimeSpan.FromMilliseconds(Math.Round(seconds * 1000)));

    private sealed class Sent : IAsyncStreamWriter<LinkMessage>
    {
        public List<LinkFrame> Frames { get; } = [];

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(LinkMessage message)
        {
            Frames.Add(message.Frame);
            return Task.CompletedTask;
        }
    }
}
