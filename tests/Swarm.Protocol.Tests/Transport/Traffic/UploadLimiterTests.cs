using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Transport.Traffic;

/// <summary>The upload limit on a clock of its own: never over the rate, never idle while somebody waits, fair.</summary>
public sealed class UploadLimiterTests
{
    private const long Rate = 1_000_000;

    private readonly ManualTime _time = new();
    private readonly UploadLimiter _limiter;

    public UploadLimiterTests() => _limiter = new UploadLimiter(Rate, _time);

    [Fact]
    public void Acquire_WithinTheBurst_IsThereAtOnce()
    {
        using UploadFlow flow = _limiter.Open(ConnectionClass.Decode);
        Assert.True(flow.AcquireAsync(_limiter.BurstBytes).IsCompletedSuccessfully);
        Assert.False(flow.AcquireAsync(1).IsCompleted);
        Assert.Equal(_limiter.BurstBytes, _limiter.SentBytes);
    }

    [Fact]
    public void Acquire_OverTheBurst_ComesWithTheRate()
    {
        using UploadFlow flow = _limiter.Open(ConnectionClass.Bulk);
        Assert.True(flow.AcquireAsync(_limiter.BurstBytes).IsCompletedSuccessfully);
        ValueTask waiting = flow.AcquireAsync(10_000);
        _time.Advance(TimeSpan.FromMilliseconds(9));
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(waiting.IsCompleted);
        Assert.Equal(10_000, _limiter.DelayedBytes);
        Assert.Equal(TimeSpan.FromMilliseconds(10), _limiter.Waited);
    }

    [Fact]
    public void Acquire_AfterARest_HasTheBurstAndNoMore()
    {
        using UploadFlow flow = _limiter.Open(ConnectionClass.Bulk);
        Assert.True(flow.AcquireAsync(_limiter.BurstBytes).IsCompletedSuccessfully);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.True(flow.AcquireAsync(_limiter.BurstBytes).IsCompletedSuccessfully);
        Assert.False(flow.AcquireAsync(1).IsCompleted);
    }

    [Fact]
    public async Task Acquire_OfManyPieces_ResumesAfterEach()
    {
        using UploadFlow flow = _limiter.Open(ConnectionClass.Bulk);
        Assert.True(flow.AcquireAsync(_limiter.BurstBytes).IsCompletedSuccessfully);
        Task waiting = flow.AcquireAsync(200_000).AsTask();
        while (!waiting.IsCompleted)
        {
            long before = _limiter.SentBytes;
            _time.Advance(TimeSpan.FromMilliseconds(20));
            // Between two pieces the writer goes on in a pool thread; the clock waits for it.
            if (_limiter.SentBytes == before)
                await Task.Yield();
        }

        await waiting;
        Assert.Equal(_limiter.BurstBytes + 200_000, _limiter.SentBytes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Acquire_ByManyConnections_StaysUnderTheRateAndUsesIt(int seed)
    {
        var random = new SeededRandomSource((ulong)seed);
        Writer[] writers = [.. Enumerable.Range(0, 7).Select(i => new Writer(_limiter, i % 2 == 0 ? ConnectionClass.Decode : ConnectionClass.Bulk))];
        TimeSpan elapsed = TimeSpan.Zero;
        for (int round = 0; round < 4000; round++)
        {
            foreach (Writer writer in writers)
                writer.Go(1 + (int)(random.NextUInt64() % UploadLimiter.PieceBytes));
            TimeSpan step = TimeSpan.FromMilliseconds(1 + (int)(random.NextUInt64() % 4));
            _time.Advance(step);
            elapsed += step;
            double most = _limiter.BurstBytes + (Rate * elapsed.TotalSeconds);
            Assert.InRange(_limiter.SentBytes, most - _limiter.BurstBytes - UploadLimiter.PieceBytes, most);
        }
    }

    [Fact]
    public void Acquire_BulkBesideBulk_SharesEvenlyWhateverTheSizes()
    {
        Writer large = new(_limiter, ConnectionClass.Bulk);
        Writer small = new(_limiter, ConnectionClass.Bulk);
        Run(() =>
        {
            large.Go(UploadLimiter.PieceBytes);
            small.Go(1500);
        });
        Assert.InRange((double)large.Granted / small.Granted, 0.9, 1.1);
    }

    [Fact]
    public void Acquire_DecodeBesideBulk_WaitsForNobody()
    {
        Writer[] bulk = [.. Enumerable.Range(0, 8).Select(_ => new Writer(_limiter, ConnectionClass.Bulk))];
        Writer decode = new(_limiter, ConnectionClass.Decode);
        TimeSpan own = TimeSpan.FromSeconds(2304.0 / Rate);
        int tokens = 0;
        TimeSpan sent = TimeSpan.Zero;
        TimeSpan now = TimeSpan.Zero;
        Run(() =>
        {
            foreach (Writer writer in bulk)
                writer.Go(UploadLimiter.PieceBytes);
            if (decode.IsIdle && now - sent >= TimeSpan.FromMilliseconds(50))
            {
                tokens++;
                sent = now;
                decode.Go(2304);
            }
            else if (!decode.IsIdle)
            {
                Assert.True(now - sent <= own + TimeSpan.FromMilliseconds(2), $"a token has waited {(now - sent).TotalMilliseconds} ms, its bytes take {own.TotalMilliseconds} ms");
            }

            now += TimeSpan.FromMilliseconds(1);
        });
        Assert.True(tokens > 100, $"{tokens} tokens");
    }

    [Fact]
    public void Acquire_DecodeThatAlwaysHasMore_LeavesBulkItsShare()
    {
        Writer bulk = new(_limiter, ConnectionClass.Bulk);
        Writer decode = new(_limiter, ConnectionClass.Decode);
        Run(() =>
        {
            bulk.Go(UploadLimiter.PieceBytes);
            decode.Go(UploadLimiter.PieceBytes);
        });
        Assert.InRange((double)decode.Granted / bulk.Granted, 7, 9);
    }

    [Fact]
    public void Dispose_OfAConnectionThatWaits_LetsItGoAndServesTheNext()
    {
        using UploadFlow first = _limiter.Open(ConnectionClass.Bulk);
        using UploadFlow second = _limiter.Open(ConnectionClass.Bulk);
        Assert.True(first.AcquireAsync(_limiter.BurstBytes).IsCompletedSuccessfully);
        ValueTask gone = first.AcquireAsync(UploadLimiter.PieceBytes);
        ValueTask next = second.AcquireAsync(1000);
        first.Dispose();
        Assert.True(gone.IsCompleted);
        Assert.True(first.AcquireAsync(1 << 20).IsCompletedSuccessfully);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(next.IsCompleted);
        Assert.Equal(_limiter.BurstBytes + 1000, _limiter.SentBytes);
    }

    [Fact]
    public void Acquire_WaitingOrNot_AllocatesNothing()
    {
        using UploadFlow flow = _limiter.Open(ConnectionClass.Decode);
        using UploadFlow other = _limiter.Open(ConnectionClass.Bulk);
        Round();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            Round();
        // The test's own clock has no part in it.
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Round()
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            for (int sent = 0; sent < _limiter.BurstBytes / 10_000; sent++)
                flow.AcquireAsync(10_000).GetAwaiter().GetResult();
            ValueTask waiting = flow.AcquireAsync(10_000);
            ValueTask behind = other.AcquireAsync(10_000);
            _time.Advance(TimeSpan.FromSeconds(1));
            waiting.GetAwaiter().GetResult();
            behind.GetAwaiter().GetResult();
        }
    }

    [Fact]
    public void Limiter_BelowTheLeastRate_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new UploadLimiter(UploadLimiter.LeastBytesPerSecond - 1, _time));

    private void Run(Action round)
    {
        for (int i = 0; i < 10_000; i++)
        {
            round();
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }
    }

    // A connection that writes the next piece when the last is granted.
    private sealed class Writer(UploadLimiter limiter, ConnectionClass purpose)
    {
        private readonly UploadFlow _flow = limiter.Open(purpose);
        private ValueTask _turn;
        private int _bytes;

        public long Granted { get; private set; }

        public bool IsIdle => _turn.IsCompleted;

        public void Go(int bytes)
        {
            if (!_turn.IsCompleted)
                return;
            _turn.GetAwaiter().GetResult();
            Granted += _bytes;
            _bytes = bytes;
            _turn = _flow.AcquireAsync(bytes);
        }
    }
}
