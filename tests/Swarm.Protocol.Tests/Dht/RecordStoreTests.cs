using FsCheck;
using FsCheck.Fluent;
using Swarm.Protocol.Dht;

namespace Swarm.Protocol.Tests.Dht;

public sealed class RecordStoreTests
{
    private static readonly RecordStoreLimits Small = new() { MaxBytes = 20_000, MaxBroughtBytes = 10_000, MaxSigners = 6, MaxBroughtSigners = 4, MaxOwnBytes = 3_000, MaxBroughtBytesOfCaller = 5_000, MaxRemembered = 8 };

    /// <summary>Whoever brings what and when: no limit is passed, and a live record goes only for a newer one of its signer.</summary>
    [Fact]
    public void Store_AnySequenceOfEvents_KeepsItsLimitsAndWhatLives() => Check.QuickThrowOnFailure(Prop.ForAll<(byte Caller, byte Signer, byte Key, byte Sequence, byte Seconds)[]>(events =>
    {
        var store = new RecordStore(Small);
        var model = new Dictionary<(int Key, int Signer), (ulong Sequence, TimeSpan Ends)>();
        TimeSpan now = TimeSpan.Zero;
        foreach ((byte caller, byte signer, byte key, byte sequence, byte seconds) in events)
        {
            now += TimeSpan.FromSeconds(seconds % 20);
            DhtRecord record = Record(signer % 10, key % 3, sequence, TimeSpan.FromSeconds(60));
            RecordRefusal? refusal = store.Put(record, Peer(caller % 4 == 0 ? signer % 10 : 100 + (caller % 5)), TimeSpan.FromSeconds(seconds % 7), now, TimeSpan.FromMinutes(10));
            if (refusal is null)
                model[(key % 3, signer % 10)] = (sequence, now + TimeSpan.FromSeconds(60 - (seconds % 7)));
            Assert.True(store.Bytes <= Small.MaxBytes);
            Assert.True(store.BroughtBytes <= Small.MaxBroughtBytes);
            for (int at = 0; at < 3; at++)
            {
                HeldCopy[] live = [.. store.Read(Key(at), null, now)];
                Assert.True(store.CountOf(Key(at)) <= Small.MaxSigners);
                Assert.Equal(
                    model.Where(row => row.Key.Key == at && row.Value.Ends > now).Select(row => (Peer(row.Key.Signer), row.Value.Sequence)).OrderBy(row => row.Item1),
                    live.Select(copy => (copy.Record.Signer, copy.Record.Sequence)));
            }
        }

        store.Expire(now + TimeSpan.FromMinutes(2));
        Assert.Equal((0, 0, 0, 0), (store.Count, store.Bytes, store.BroughtBytes, store.Callers));
    }));

    [Fact]
    public void MayHold_CallerWithItsShareFull_NamesIt()
    {
        var store = new RecordStore(Small);
        RecordRefusal? refusal = null;
        for (int number = 0; refusal is null; number++)
            refusal = store.Put(Record(1, number, 1, TimeSpan.FromSeconds(60)), Peer(1), TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero);

        Assert.Equal(RecordRefusal.CallerFull, refusal);
        Assert.Null(store.Put(Record(2, 0, 1, TimeSpan.FromSeconds(60)), Peer(2), TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero));
    }

    [Fact]
    public void MayHold_OneSignerMoreThanAKeyTakes_NamesIt()
    {
        var store = new RecordStore(Small);
        for (int signer = 0; signer < Small.MaxSigners; signer++)
            Assert.Null(store.Put(Record(signer, 0, 1, TimeSpan.FromSeconds(60)), Peer(signer), TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero));

        Assert.Equal(RecordRefusal.KeyFull, store.MayHold(Record(50, 0, 1, TimeSpan.FromSeconds(60)), Peer(50), TimeSpan.Zero, TimeSpan.Zero));
        Assert.Null(store.MayHold(Record(3, 0, 2, TimeSpan.FromSeconds(60)), Peer(3), TimeSpan.Zero, TimeSpan.Zero));
        Assert.Null(store.MayHold(Record(50, 0, 1, TimeSpan.FromSeconds(60)), Peer(50), TimeSpan.Zero, TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void Read_RecordHandedOn_KeepsTheAgeItHad()
    {
        var store = new RecordStore(Small);
        store.Put(Record(1, 0, 1, TimeSpan.FromSeconds(60)), Peer(9), TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(5), TimeSpan.Zero);

        Assert.Equal(TimeSpan.FromSeconds(35), Assert.Single(store.Read(Key(0), null, TimeSpan.FromSeconds(15))).Age);
        Assert.Empty(store.Read(Key(0), null, TimeSpan.FromSeconds(40)));
    }

    [Fact]
    public void TryTake_BeyondTheBurst_WaitsForTheRate()
    {
        var budget = new CallerBudget(capacity: 3, perSecond: 1, maxCallers: 2);
        Assert.True(budget.TryTake(Peer(1), 3, TimeSpan.Zero));
        Assert.False(budget.TryTake(Peer(1), 1, TimeSpan.FromSeconds(0.5)));
        Assert.True(budget.TryTake(Peer(2), 1, TimeSpan.FromSeconds(0.5)));
        Assert.True(budget.TryTake(Peer(1), 1, TimeSpan.FromSeconds(1.5)));
    }

    [Fact]
    public void TryTake_MoreCallersThanAreRemembered_ShareOneBucket()
    {
        var budget = new CallerBudget(capacity: 2, perSecond: 1, maxCallers: 100);
        for (int number = 0; number < 1000; number++)
            budget.TryTake(Peer(number), 2, TimeSpan.Zero);

        Assert.Equal(100, budget.Count);
        Assert.False(budget.TryTake(Peer(5000), 1, TimeSpan.Zero));
        Assert.True(budget.TryTake(Peer(5000), 1, TimeSpan.FromSeconds(10)));
        Assert.True(budget.Count <= 100);
    }

    private static PeerId Peer(int number) => PeerId.OfPublicKey([(byte)number, (byte)(number >> 8)]);

    private static DhtKey Key(int number) => DhtKey.Of(default, "test", [(byte)number]);

    private static DhtRecord Record(int signer, int key, ulong sequence, TimeSpan lifetime) =>
        new(new SignedRecord(), default, 300, TestPolicy.Schema, default, Key(key), Peer(signer), sequence, lifetime, default, default);
}
