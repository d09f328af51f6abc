using System.Buffers;

namespace Swarm.Protocol.Links;

/// <summary>A received part of a packet; its checksum has been compared already.</summary>
/// <param name="Tokens">Rows of the whole packet.</param>
/// <param name="Hidden">Columns.</param>
/// <param name="CodecId">How the values are written.</param>
/// <param name="EncodedBytes">Bytes of the whole packet.</param>
/// <param name="Offset">Where this part begins in it.</param>
/// <param name="Length">Bytes of this part.</param>
public sealed record TensorPart(int Tokens, int Hidden, byte CodecId, int EncodedBytes, int Offset, int Length)
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
