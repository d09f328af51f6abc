using System.Buffers;
using Swarm.Protocol.Packets;

namespace Swarm.Protocol.Links;

/// <summary>A received part of a packet; its checksum has been compared already.</summary>
/// <param name="Header">What it says of the whole packet.</param>
/// <param name="Offset">Where this part begins in it.</param>
/// <param name="Length">Bytes of this part.</param>
public sealed record TensorPart(PacketHeader Header, int Offset, int Length)
{
    private byte[]? _rented;

    /// <summary>The bytes; borrowed until <see cref="Release"/>.</summary>
    public ReadOnlySpan<byte> Bytes => (_rented ?? throw new ObjectDisposedException(nameof(TensorPart))).AsSpan(0, Length);

    internal Span<byte> Rent()
    {
        _rented = ArrayPool<byte>.Shared.Rent(Length);
        return _rented.AsSpan(0, Length);
    }

    internal void Release()
    {
        if (_rented is { } rented)
            ArrayPool<byte>.Shared.Return(rented);
        _rented = null;
    }
}
