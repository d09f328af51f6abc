namespace Swarm.Protocol.Dht;

/// <summary>The last records whose signatures were found sound, by hash, so that one that is seen again costs no second check. Bounded: the oldest go first. Not thread-safe.</summary>
internal sealed class VerifiedHashes(int capacity)
{
    private readonly HashSet<DhtKey> _hashes = [];
    private readonly Queue<DhtKey> _order = new();

    public int Count => _hashes.Count;

    public bool Contains(DhtKey hash) => _hashes.Contains(hash);

    public void Add(DhtKey hash)
    {
        if (!_hashes.Add(hash))
            return;
        _order.Enqueue(hash);
        if (_order.Count > capacity)
            _hashes.Remove(_order.Dequeue());
    }
}
