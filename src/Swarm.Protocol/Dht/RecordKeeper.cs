using System.Runtime.InteropServices;

namespace Swarm.Protocol.Dht;

/// <summary>Checks records and holds them: the store, the memory of checked signatures and the callers' budgets behind one lock. Signatures are checked outside of it. Thread-safe.</summary>
internal sealed class RecordKeeper(SwarmId swarm, IRecordPolicy policy, TimeProvider time, DhtOptions options)
{
    private const int MaxVerified = 8192;

    /// <summary>What the fields around a record take in a message, at most.</summary>
    private const int FrameBytes = 16;

    private readonly Lock _gate = new();
    private readonly RecordStore _store = new(options.Store);
    private readonly VerifiedHashes _verified = new(MaxVerified);
    private readonly CallerBudget _budget = new(options.StoreBurst, options.StoresPerSecond, MaxCallers);
    private readonly long _start = time.GetTimestamp();

    /// <summary>Callers whose work is counted one by one.</summary>
    public const int MaxCallers = 4096;

    /// <summary>Monotonic time since this peer began.</summary>
    public TimeSpan Now => time.GetElapsedTime(_start);

    public int Count
    {
        get
        {
            lock (_gate)
                return _store.Count;
        }
    }

    /// <summary>Signatures that had to be computed, for the test that a renewal seen thrice is checked once.</summary>
    public long SignatureChecks { get; private set; }

    /// <summary>Checks a record that somebody answered with.</summary>
    public RecordRefusal? Check(SignedRecord? wire, out DhtRecord? record)
    {
        RecordRefusal? refusal = SignedRecords.Read(wire, swarm, time.GetUtcNow(), policy, out record);
        return refusal ?? CheckContent(record!);
    }

    /// <summary>Takes a record to hold, or says why not.</summary>
    /// <param name="wire">The record.</param>
    /// <param name="caller">Who brings it.</param>
    /// <param name="age">What it has lived elsewhere, as the caller says.</param>
    public RecordRefusal? Hold(SignedRecord? wire, PeerId caller, TimeSpan age)
    {
        DateTimeOffset utc = time.GetUtcNow();
        if (SignedRecords.Read(wire, swarm, utc, policy, out DhtRecord? record) is { } unsound)
            return unsound;
        TimeSpan now = Now;
        lock (_gate)
        {
            if (_store.MayHold(record!, caller, age, now) is { } refused)
                return refused;
            if (!_budget.TryTake(caller, 1, now))
                return RecordRefusal.TooBusy;
        }

        if (CheckContent(record!) is { } refusal)
            return refusal;
        lock (_gate)
            return _store.Put(record!, caller, age, now, record!.SignedAt + DhtLimits.MaxClockSkew - utc);
    }

    /// <summary>One page of the records under a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="after">Where the page begins.</param>
    /// <param name="known">Beginnings of the hashes of records to leave out.</param>
    /// <param name="maxBytes">Bytes of the records of the page.</param>
    public FindRecordsResponse Page(DhtKey key, PeerId? after, ReadOnlySpan<byte> known, int maxBytes)
    {
        var page = new FindRecordsResponse { WireVersion = WireVersion.Current };
        var leftOut = new HashSet<ulong>();
        foreach (ulong prefix in MemoryMarshal.Cast<byte, ulong>(known))
            leftOut.Add(prefix);
        lock (_gate)
        {
            page.Total = (uint)_store.CountOf(key);
            PeerId last = default;
            foreach (HeldCopy held in _store.Read(key, after, Now))
            {
                if (leftOut.Contains(held.Record.HashPrefix))
                    continue;
                maxBytes -= held.Record.EncodedBytes + FrameBytes;
                if (maxBytes < 0)
                {
                    page.NextAfterSigner = last.ToByteString();
                    break;
                }

                page.Records.Add(ToWire(held));
                last = held.Record.Signer;
            }
        }

        return page;
    }

    /// <summary>The live records under a key.</summary>
    public List<HeldCopy> Read(DhtKey key)
    {
        lock (_gate)
            return [.. _store.Read(key, null, Now)];
    }

    public List<DhtKey> Keys()
    {
        lock (_gate)
            return [.. _store.Keys];
    }

    public void Expire()
    {
        lock (_gate)
            _store.Expire(Now);
    }

    public static HeldRecord ToWire(HeldCopy held) => new() { Record = held.Record.Wire, AgeMilliseconds = (uint)Math.Max(0, held.Age.TotalMilliseconds) };

    private RecordRefusal? CheckContent(DhtRecord record)
    {
        bool seen;
        lock (_gate)
            seen = _verified.Contains(record.Hash);
        if (!seen)
        {
            bool sound = options.HasSoundSignature(record);
            lock (_gate)
            {
                SignatureChecks++;
                if (!sound)
                    return RecordRefusal.BadSignature;
                _verified.Add(record.Hash);
            }
        }

        return policy.Check(record);
    }
}
