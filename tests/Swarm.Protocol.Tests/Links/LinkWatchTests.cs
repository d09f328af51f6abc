using Swarm.Protocol.Links;

namespace Swarm.Protocol.Tests.Links;

/// <summary>Gone and stalled are told from slow.</summary>
public sealed class LinkWatchTests
{
    private readonly LinkWatch _watch = new();

    [Fact]
    public void Verdict_NothingHeard_GivesUpAfterTheLongestStall()
    {
        Begin();
        Assert.Equal(Seconds(3), _watch.Deadline);
        Assert.Null(_watch.Verdict(Seconds(2.9)));
        Assert.Contains("nothing heard for 3.0 s", _watch.Verdict(Seconds(3)));
    }

    [Fact]
    public void Verdict_StepsWereShort_GivesUpAfterTheShortestStall()
    {
        Begin();
        Run(from: 0.5, to: 5, hasWork: true, unitsASecond: 100);
        Assert.Equal(Seconds(7), _watch.Deadline);
        Assert.Null(_watch.Verdict(Seconds(6.9)));
        Assert.Contains("nothing heard for 2.0 s", _watch.Verdict(Seconds(7)));
    }

    [Fact]
    public void Verdict_ASlowPrefillThatAdvances_IsNotStalled()
    {
        // One block of the prompt takes 2.5 s, and the device says no more than that for a minute.
        Begin();
        Run(from: 0.5, to: 60, hasWork: true, unitsASecond: 1 / 2.5);
    }

    [Fact]
    public void Verdict_DeviceStandsWithWork_GivesUpThoughThePeerSpeaks()
    {
        Begin();
        Run(from: 0.5, to: 2, hasWork: true, unitsASecond: 100);
        for (double at = 2.5; at < 4; at += 0.5)
        {
            _watch.Progress(200, true, Seconds(at));
            Assert.Null(_watch.Verdict(Seconds(at)));
            Assert.Equal(Seconds(4), _watch.Deadline);
        }

        _watch.Progress(200, true, Seconds(4));
        Assert.Contains("stands still for 2.0 s", _watch.Verdict(Seconds(4)));
    }

    [Fact]
    public void Verdict_DeviceStandsWithoutWork_IsNotStalled()
    {
        Begin();
        Run(from: 0.5, to: 60, hasWork: false, unitsASecond: 0);

        // The time before the work came is not counted to it.
        _watch.Progress(0, true, Seconds(60.5));
        Assert.Null(_watch.Verdict(Seconds(62)));
    }

    [Fact]
    public void Verdict_OtherFramesComeButNoProgress_TheyCountAsHeard()
    {
        Begin();
        for (int at = 1; at < 60; at += 2)
        {
            Assert.Null(_watch.Verdict(Seconds(at)));
            _watch.Heard(Seconds(at));
        }
    }

    [Fact]
    public void Verdict_ThisSideWasStopped_ForgivesJustThat()
    {
        Begin();
        _watch.Progress(1, true, Seconds(1));
        _watch.Forgive(Seconds(100), Seconds(102));
        Assert.Equal(Seconds(104), _watch.Deadline);
        Assert.Null(_watch.Verdict(Seconds(103)));
        Assert.NotNull(_watch.Verdict(Seconds(104)));
        _watch.Forgive(Seconds(100), Seconds(105));
        Assert.Equal(Seconds(108), _watch.Deadline);
    }

    [Fact]
    public void Verdict_FixedSilence_KnowsNoOther()
    {
        var watch = new LinkWatch(ChainTiming.Vanish);
        watch.Begin(Seconds(10));
        watch.Heard(Seconds(11));
        Assert.Null(watch.Verdict(Seconds(13.7)));
        Assert.NotNull(watch.Verdict(Seconds(13.8)));
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromMilliseconds(Math.Round(seconds * 1000));

    private void Begin() => _watch.Begin(TimeSpan.Zero);

    private void Run(double from, double to, bool hasWork, double unitsASecond)
    {
        for (double at = from; at <= to; at += 0.5)
        {
            Assert.Null(_watch.Verdict(Seconds(at)));
            _watch.Progress((ulong)(at * unitsASecond), hasWork, Seconds(at));
        }
    }
}
