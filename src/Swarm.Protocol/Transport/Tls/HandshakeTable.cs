using System.Net;
using System.Net.Sockets;

namespace Swarm.Protocol.Transport;

/// <summary>
/// The handshakes that have begun and not ended, bounded. When one too many begins, another is given up: the oldest of the source that has most. So a flood from one
/// source costs others nothing, and within the source whoever shakes hands at once is done before its turn to go comes.
/// Not safe for calls at the same time.
/// </summary>
/// <typeparam name="T">A connection.</typeparam>
internal sealed class HandshakeTable<T>(int capacity)
    where T : class
{
    private readonly LinkedList<(UInt128 Source, T Connection)> _byAge = [];
    private readonly Dictionary<UInt128, int> _counts = [];

    public int Count => _byAge.Count;

    /// <summary>Adds a handshake.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="source">Where it comes from; of IPv6 the first 64 bits count, which one machine may choose freely below.</param>
    /// <param name="victim">The connection to give up; not in the table any more.</param>
    /// <returns>What <see cref="Remove"/> takes.</returns>
    public object Add(T connection, IPAddress? source, out T? victim)
    {
        UInt128 key = Key(source);
        LinkedListNode<(UInt128, T)> node = _byAge.AddLast((key, connection));
        _counts[key] = _counts.GetValueOrDefault(key) + 1;
        victim = null;
        if (_byAge.Count <= capacity)
            return node;
        LinkedListNode<(UInt128 Source, T Connection)> chosen = Oldest();
        victim = chosen.Value.Connection;
        Unlink(chosen);
        return node;
    }

    /// <summary>Takes a handshake out that ended; nothing when it was given up before.</summary>
    public void Remove(object entry)
    {
        var node = (LinkedListNode<(UInt128, T)>)entry;
        if (node.List is not null)
            Unlink(node);
    }

    private static UInt128 Key(IPAddress? source)
    {
        if (source is null)
            return default;
        if (source.IsIPv4MappedToIPv6)
            source = source.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        source.TryWriteBytes(bytes, out _);
        ulong high = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes);
        return source.AddressFamily == AddressFamily.InterNetwork ? new UInt128(high, 4) : new UInt128(high, 6);
    }

    private LinkedListNode<(UInt128 Source, T Connection)> Oldest()
    {
        LinkedListNode<(UInt128 Source, T Connection)> chosen = _byAge.First!;
        int most = _counts[chosen.Value.Source];
        for (LinkedListNode<(UInt128 Source, T Connection)>? node = chosen.Next; node is not null; node = node.Next)
        {
            int count = _counts[node.Value.Source];
            if (count > most)
                (chosen, most) = (node, count);
        }

        return chosen;
    }

    private void Unlink(LinkedListNode<(UInt128 Source, T Connection)> node)
    {
        _byAge.Remove(node);
        if (--_counts[node.Value.Source] == 0)
            _counts.Remove(node.Value.Source);
    }
}
