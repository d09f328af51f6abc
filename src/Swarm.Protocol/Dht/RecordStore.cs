namespace Swarm.Protocol.Dht;

/// <summary>
/// The records that a peer holds for others: one for each key and signer, until their life ends by the holder's own clock. Room is limited for all, for each key and for each caller who
/// brings records; a live record never makes way for another signer's. Time is given with each call, in the holder's monotonic clock. Not thread-safe.
/// </summary>
internal sealed class RecordStore(RecordStoreLimits limits)
{
    private readonly SortedDictionary<DhtKey, Shelf> _shelves = [];
    private readonly Dictionary<PeerId, Usage> _callers = [];
    private readonly Dictionary<(DhtKey Key, PeerId Signer), (ulong Sequence, TimeSpan Until)> _ended = [];
    private TimeSpan _expiredAt = TimeSpan.MinValue;

    /// <summary>Records held; those whose life has ended included until <see cref="Expire"/>.</summary>
    public int Count { get; private set; }

    /// <summary>What they cost.</summary>
    public int Bytes { get; private set; }

    /// <summary>What those cost that others than their signers brought.</summary>
    public int BroughtBytes { get; private set; }

    /// <summary>Callers with records here.</summary>
    public int Callers => _callers.Count;

    public IEnumerable<DhtKey> Keys => _shelves.Keys;

    /// <summary>Whether there is room for a record and it is newer than what is known; asked before its signature is checked, which costs more.</summary>
    /// <param name="record">Read, and sound but for signature and policy.</param>
    /// <param name="caller">Who brings it.</param>
    /// <param name="age">What it has lived elsewhere; not negative.</param>
    /// <param name="now">The holder's monotonic time.</param>
    public RecordRefusal? MayHold(DhtRecord record, PeerId caller, TimeSpan age, TimeSpan now)
    {
        if (age >= record.Lifetime)
            return RecordRefusal.Expired;
        if (_ended.TryGetValue((record.Key, record.Signer), out (ulong Sequence, TimeSpan Until) ended) && ended.Until > now && record.Sequence <= ended.Sequence)
            return RecordRefusal.NotNewer;
        Shelf? shelf = _shelves.GetValueOrDefault(record.Key);
        Row? old = shelf?.Rows.GetValueOrDefault(record.Signer);
        if (old is not null && record.Sequence <= old.Record.Sequence)
            return RecordRefusal.NotNewer;
        if (FindLimit(record, caller, shelf, old) is not { } refusal)
            return null;
        if (_expiredAt == now)
            return refusal;

        // Ended records may still take the room.
        Expire(now);
        return MayHold(record, caller, age, now);
    }

    /// <summary>Holds a verified record from now on.</summary>
    /// <param name="record">Verified.</param>
    /// <param name="caller">Who brings it.</param>
    /// <param name="age">What it has lived elsewhere.</param>
    /// <param name="now">The holder's monotonic time.</param>
    /// <param name="replayable">How long from now its signed time allows it to be offered again.</param>
    public RecordRefusal? Put(DhtRecord record, PeerId caller, TimeSpan age, TimeSpan now, TimeSpan replayable)
    {
        if (MayHold(record, caller, age, now) is { } refusal)
            return refusal;
        if (!_shelves.TryGetValue(record.Key, out Shelf? shelf))
            _shelves.Add(record.Key, shelf = new Shelf());
        if (shelf.Rows.TryGetValue(record.Signer, out Row? old))
            Uncharge(shelf, old);
        var row = new Row(record, caller, now - age, now + replayable);
        shelf.Rows[record.Signer] = row;
        Charge(shelf, row);
        return null;
    }

    /// <summary>The live records under a key, ordered by signer.</summary>
    /// <param name="key">The key.</param>
    /// <param name="after">Only signers above this one; null: all.</param>
    /// <param name="now">The holder's monotonic time.</param>
    public IEnumerable<HeldCopy> Read(DhtKey key, PeerId? after, TimeSpan now)
    {
        if (!_shelves.TryGetValue(key, out Shelf? shelf))
            yield break;
        foreach (Row row in shelf.From(after))
        {
            TimeSpan age = now - row.Received;
            if (age < row.Record.Lifetime)
                yield return new HeldCopy(row.Record, age);
        }
    }

    /// <summary>How many signers have a record under a key.</summary>
    public int CountOf(DhtKey key) => _shelves.GetValueOrDefault(key)?.Rows.Count ?? 0;

    /// <summary>Drops what has outlived its time, and remembers its sequence numbers as long as it could be offered again.</summary>
    public void Expire(TimeSpan now)
    {
        _expiredAt = now;
        foreach ((DhtKey Key, PeerId Signer) replayed in _ended.Where(pair => pair.Value.Until <= now).Select(pair => pair.Key).ToList())
            _ended.Remove(replayed);
        foreach ((DhtKey key, Shelf shelf) in _shelves.ToList())
        {
            foreach ((PeerId signer, Row row) in shelf.Rows.Where(pair => now - pair.Value.Received >= pair.Value.Record.Lifetime).ToList())
            {
                Uncharge(shelf, row);
                shelf.Rows.Remove(signer);
                if (row.ReplayableUntil > now && _ended.Count < limits.MaxRemembered)
                    _ended[(key, signer)] = (row.Record.Sequence, row.ReplayableUntil);
            }

            if (shelf.Rows.Count == 0)
                _shelves.Remove(key);
        }
    }

    private RecordRefusal? FindLimit(DhtRecord record, PeerId caller, Shelf? shelf, Row? old)
    {
        int cost = Cost(record);
        bool brought = caller != record.Signer;
        int freed = old is null ? 0 : Cost(old.Record);
        Usage usage = _callers.GetValueOrDefault(caller);
        int freedOfCaller = old is not null && old.Caller == caller ? freed : 0;
        if (brought ? usage.Brought + cost - freedOfCaller > limits.MaxBroughtBytesOfCaller : usage.Own + cost - freedOfCaller > limits.MaxOwnBytes)
            return RecordRefusal.CallerFull;
        if (old is null && shelf is not null && (shelf.Rows.Count >= limits.MaxSigners || (brought && shelf.Brought >= limits.MaxBroughtSigners)))
            return RecordRefusal.KeyFull;
        if (Bytes + cost - freed > limits.MaxBytes)
            return RecordRefusal.StoreFull;
        return brought && BroughtBytes + cost - (old is { IsBrought: true } ? freed : 0) > limits.MaxBroughtBytes ? RecordRefusal.StoreFull : null;
    }

    private static int Cost(DhtRecord record) => record.EncodedBytes + RecordStoreLimits.Overhead;

    private void Charge(Shelf shelf, Row row) => Account(shelf, row, 1);

    private void Uncharge(Shelf shelf, Row row) => Account(shelf, row, -1);

    private void Account(Shelf shelf, Row row, int sign)
    {
        int cost = sign * Cost(row.Record);
        Count += sign;
        Bytes += cost;
        Usage usage = _callers.GetValueOrDefault(row.Caller);
        if (row.IsBrought)
        {
            BroughtBytes += cost;
            shelf.Brought += sign;
            usage = usage with { Brought = usage.Brought + cost };
        }
        else
        {
            usage = usage with { Own = usage.Own + cost };
        }

        if (usage == default)
            _callers.Remove(row.Caller);
        else
            _callers[row.Caller] = usage;
    }

    /// <summary>Cost of what a caller signed itself, and of what it brought from others.</summary>
    private readonly record struct Usage(int Own, int Brought);

    private sealed record Row(DhtRecord Record, PeerId Caller, TimeSpan Received, TimeSpan ReplayableUntil)
    {
        public bool IsBrought => Caller != Record.Signer;
    }

    private sealed class Shelf
    {
        public SortedList<PeerId, Row> Rows { get; } = [];

        public int Brought { get; set; }

        public IEnumerable<Row> From(PeerId? after)
        {
            int first = 0;
            if (after is { } signer)
            {
                int last = Rows.Count;
                while (first < last)
                {
                    int middle = (first + last) >>> 1;
                    if (Rows.Keys[middle].CompareTo(signer) <= 0)
                        first = middle + 1;
                    else
                        last = middle;
                }
            }

            for (int at = first; at < Rows.Count; at++)
                yield return Rows.Values[at];
        }
    }
}
