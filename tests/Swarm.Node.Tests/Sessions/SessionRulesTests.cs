using Swarm.Kernels.Codecs;
using Swarm.Node.Sessions;
using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Tests;

/// <summary>What a hop remembers of a session, as plain rules.</summary>
public sealed class SessionRulesTests
{
    private const int RowBytes = 4;

    private static readonly RowFormat Format = new(RowBytes, _ => RowBytes);

    private readonly OutputLog _log = new(new RetainedRows(Format, new Budget()));

    [Fact]
    public void TryNext_AnyStepsAndAnyPosition_GivesEachRowOnceInOrder()
    {
        var random = new SeededRandomSource(5);
        for (int round = 0; round < 300; round++)
        {
            using var log = new OutputLog(new RetainedRows(Format, new Budget()));
            var steps = new List<StepMark>();
            int confirmed = 0;
            while (log.End < 400)
            {
                int count = 1 + (int)(random.NextUInt64() % (random.NextUInt64() % 2 == 0 ? 3u : 90u));
                var step = new StepMark(log.End, count, Outputs.Last, count > 8);
                log.Append(step, replay: false, Rows(step.Position, count));
                steps.Add(step);
                if (random.NextUInt64() % 4 == 0)
                    log.Confirm(confirmed = steps[(int)(random.NextUInt64() % (ulong)steps.Count)].Position);
            }

            int start = (int)(random.NextUInt64() % 400);
            int cursor = start;
            while (log.TryNext(cursor, out Stretch stretch))
            {
                Assert.Equal(cursor, stretch.Position);
                Assert.InRange(stretch.Count, 1, stretch.IsReplay ? OutputLog.ReplayTokens : 90);
                // What the client may lack goes as the steps that it waits for; all else as few replays as can be.
                StepMark? own = steps.Cast<StepMark?>().FirstOrDefault(step => step!.Value.End == stretch.End && step.Value.End > log.Confirmed);
                Assert.True(stretch.IsReplay || own is not null, $"{stretch}, confirmed {log.Confirmed}");
                byte[] rows = new byte[stretch.Count * RowBytes];
                Assert.True(log.TryRead(stretch.Position, stretch.Count, rows));
                Assert.Equal(Rows(stretch.Position, stretch.Count), rows);
                cursor = stretch.End;
            }

            Assert.Equal(log.End, cursor);
        }
    }

    [Fact]
    public void TruncateToSteps_WithinAStepThatTheClientWaitsFor_GoesBackToItsBeginning()
    {
        _log.Append(new StepMark(0, 10, Outputs.None, true), false, Rows(0, 10));
        _log.Append(new StepMark(10, 5, Outputs.Last, false), false, Rows(10, 5));

        Assert.Equal(10, _log.TruncateToSteps(12));
        Assert.Equal((10, 1), (_log.End, _log.Marks));
    }

    [Fact]
    public void Truncate_BelowWhatIsRetained_LeavesAnEmptyLogThatGoesOnThere()
    {
        _log.Append(new StepMark(0, 100, Outputs.None, true), true, Rows(0, 100));
        _log.Lose(80);
        Assert.Equal((false, true, true), (_log.CanFeedFrom(79), _log.CanFeedFrom(80), _log.CanFeedFrom(200)));

        _log.Truncate(30);
        _log.Append(new StepMark(30, 4, Outputs.None, true), true, Rows(30, 4));

        Assert.Equal((30, 34), (_log.First, _log.End));
        Assert.True(_log.TryNext(30, out Stretch stretch));
        Assert.Equal(new Stretch(30, 4, Outputs.None, true, true), stretch);
    }

    [Fact]
    public void IsOpenFor_WindowFull_LetsOneGoForEachThatIsAcknowledged()
    {
        var window = new SendWindow();
        for (ulong number = 0; number < ChainLimits.MaxUnacknowledgedSteps; number++)
        {
            Assert.True(window.IsOpenFor(10));
            window.Sent(number, 10);
        }

        Assert.False(window.IsOpenFor(10));
        window.Acknowledged(7, 0);
        window.Acknowledged(7, 0);
        Assert.True(window.IsOpenFor(10));
        Assert.Equal((ChainLimits.MaxUnacknowledgedSteps - 1, 10L * (ChainLimits.MaxUnacknowledgedSteps - 1)), (window.Steps, window.Bytes));
    }

    [Fact]
    public void Acknowledged_AStepAndThoseBeforeIt_AllLeaveTheWindow()
    {
        var window = new SendWindow();
        for (ulong number = 0; number < 20; number++)
            window.Sent(number, 10);

        window.Acknowledged(11, 7);
        Assert.Equal((12, 120L), (window.Steps, window.Bytes));
        window.Acknowledged(2, uint.MaxValue);
        Assert.Equal(9, window.Steps);
        window.Acknowledged(ulong.MaxValue - 1, uint.MaxValue);
        Assert.Equal(9, window.Steps);
    }

    [Fact]
    public void Take_RunOfDecodeSteps_AcknowledgesTheFirstAndEveryEighth()
    {
        var acks = new AckRun();
        InboundLink link = Inbound(bulk: false);
        var told = new List<(ulong Number, int Before)>();
        for (ulong number = 1; number <= 20; number++)
        {
            if (acks.Take(link, number, isDecode: true, out StepAcknowledgement? before) is { } due)
                told.Add((due.Number, due.Before));
            Assert.Null(before);
        }

        Assert.Equal([(1ul, 0), (9ul, 7), (17ul, 7)], told);
    }

    [Fact]
    public void Take_RunEndsWithStepsHeldBack_AllAreAcknowledged()
    {
        var acks = new AckRun();
        InboundLink decode = Inbound(bulk: false), bulk = Inbound(bulk: true);
        for (ulong number = 1; number <= 4; number++)
            acks.Take(decode, number, isDecode: true, out _);

        StepAcknowledgement? due = acks.Take(bulk, 5, isDecode: false, out StepAcknowledgement? before);
        Assert.Equal(new StepAcknowledgement(bulk, 5, 0), due);
        Assert.Equal(new StepAcknowledgement(decode, 4, 2), before);

        // Behind it another run begins, and one that leaves a number out is another.
        Assert.Equal(new StepAcknowledgement(decode, 6, 0), acks.Take(decode, 6, isDecode: true, out before));
        Assert.Null(before);
        Assert.Equal(new StepAcknowledgement(decode, 8, 0), acks.Take(decode, 8, isDecode: true, out _));
    }

    [Fact]
    public void IsOpenFor_LargeSteps_IsBoundByBytesButNeverStuck()
    {
        var window = new SendWindow();

        Assert.True(window.IsOpenFor(2 * ChainLimits.MaxUnacknowledgedBytes));
        window.Sent(0, (int)ChainLimits.MaxUnacknowledgedBytes);
        Assert.False(window.IsOpenFor(1));
        window.Acknowledged(0, 0);
        Assert.True(window.IsOpenFor(2 * ChainLimits.MaxUnacknowledgedBytes));
    }

    [Fact]
    public void Add_NoRoomForWhatWasSent_IsForgottenAndWhatWaitsIsKept()
    {
        var budget = new Budget { Bytes = 300 };
        using var results = new ResultLog(budget);
        var link = new InboundLink(null!, false);

        results.Add(Result(0, 64, link));
        results.Add(Result(1, 64, link));
        results.Add(Result(2, 64, null));

        Assert.Equal((2, 1, 44L), (results.Count, results.Unsent, budget.Bytes));
        Assert.Equal((true, false), (results.Covers(0, 1), results.Covers(0, 3)));
        results.Confirm(1);
        Assert.Equal((1, 300L), (results.Count, budget.Bytes));
        results.Sent(0, link);
        Assert.Equal(0, results.Unsent);
    }

    [Fact]
    public void Add_BeyondTheLimit_ForgetsTheOldest()
    {
        var budget = new Budget();
        using var results = new ResultLog(budget);
        for (int position = 0; position < ChainLimits.MaxStoredResults + 3; position++)
            results.Add(new StoredResult(0, position, 1, null, false, null));

        Assert.Equal((ChainLimits.MaxStoredResults, ChainLimits.MaxStoredResults, 3), (results.Count, results.Unsent, results[0].Position));
        Assert.Equal((false, true), (results.Covers(2, 5), results.Covers(3, ChainLimits.MaxStoredResults + 3)));
    }

    [Fact]
    public void SlidingList_CutAtBothEnds_IsTheListThatIsLeft()
    {
        var random = new SeededRandomSource(9);
        var list = new SlidingList<int>();
        List<int> expected = [];
        for (int round = 0; round < 5000; round++)
        {
            switch (random.NextUInt64() % 6)
            {
                case 0 when expected.Count > 0:
                    int first = 1 + (int)(random.NextUInt64() % (ulong)expected.Count);
                    list.RemoveFirst(first);
                    expected.RemoveRange(0, first);
                    break;
                case 1 when expected.Count > 1:
                    list.RemoveLast(2);
                    expected.RemoveRange(expected.Count - 2, 2);
                    break;
                case 2 when expected.Count > 0:
                    list.RemoveFirst(1);
                    expected.RemoveAt(0);
                    break;
                default:
                    list.Add(round);
                    expected.Add(round);
                    break;
            }

            Assert.Equal(expected, Enumerable.Range(0, list.Count).Select(index => list[index]));
        }
    }

    private static StoredResult Result(int position, int values, InboundLink? link) => new(
        (ulong)position, position, 1, HiddenPacket.Encode(new float[values], 1, values, ActivationCodec.F32), false, link);

    private static byte[] Rows(int position, int count) => [.. Enumerable.Range(position, count).SelectMany(BitConverter.GetBytes)];

    private sealed class Budget : IRetentionBudget
    {
        public long Bytes { get; set; } = long.MaxValue;

        public bool TryTake(long bytes)
        {
            if (bytes > Bytes)
                return false;
            Bytes -= bytes;
            return true;
        }

        public void Return(long bytes) => Bytes += bytes;
    }

    private static InboundLink Inbound(bool bulk) => new(null!, bulk);
}
