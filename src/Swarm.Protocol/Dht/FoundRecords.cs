using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Google.Protobuf;

namespace Swarm.Protocol.Dht;

/// <summary>What a look-up has found so far: the newest record of each signer. Of two with one sequence number the smaller hash stays, so that the order of answers does not matter. Thread-safe.</summary>
internal sealed class FoundRecords
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<PeerId, FoundRecord> _newest = [];

    public int Count
    {
        get
        {
            lock (_gate)
                return _newest.Count;
        }
    }

    public void Add(DhtRecord record, TimeSpan age)
    {
        lock (_gate)
        {
            if (_newest.TryGetValue(record.Signer, out FoundRecord? known))
            {
                int order = record.Sequence.CompareTo(known.Record.Sequence);
                if (order == 0)
                    order = known.Record.Hash.CompareTo(record.Hash);
                if (order < 0 || (order == 0 && known.Age <= age))
                    return;
            }

            _newest[record.Signer] = new FoundRecord(record, age);
        }
    }

    /// <summary>What a holder need not send again, as the wire has it.</summary>
    public ByteString Known()
    {
        lock (_gate)
        {
            ulong[] known = [.. _newest.Values.Take(DhtLimits.MaxSigners).Select(found => found.Record.HashPrefix)];
            return ByteString.CopyFrom(MemoryMarshal.AsBytes<ulong>(known));
        }
    }

    public ImmutableArray<FoundRecord> ToImmutable()
    {
        lock (_gate)
            return [.. _newest.Values];
    }
}
