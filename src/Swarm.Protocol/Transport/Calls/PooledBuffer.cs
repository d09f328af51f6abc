using System.Buffers;

namespace Swarm.Protocol.Transport;

/// <summary>Grows by arrays from the shared pool, none over 64 KiB unless a writer asks for more at once. Disposing returns them.</summary>
internal sealed class PooledBuffer : IBufferWriter<byte>, IDisposable
{
    private const int FirstBytes = 1 << 10;
    private const int MostBytes = 1 << 16;

    private readonly List<ArraySegment<byte>> _full = [];
    private byte[]? _current;
    private int _used;
    private long _length;

    /// <summary>Bytes written.</summary>
    public long Length => _length;

    public void Advance(int count)
    {
        if (_current is null || count < 0 || count > _current.Length - _used)
            throw new ArgumentOutOfRangeException(nameof(count), count, "more bytes than the buffer that was given out");
        _used += count;
        _length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _current.AsMemory(_used);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _current.AsSpan(_used);
    }

    /// <summary>What was written, piece by piece in order. Valid until the next write.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Pieces()
    {
        foreach (ArraySegment<byte> piece in _full)
            yield return piece;
        if (_used > 0)
            yield return _current.AsMemory(0, _used);
    }

    public void CopyTo(IBufferWriter<byte> destination)
    {
        foreach (ReadOnlyMemory<byte> piece in Pieces())
            destination.Write(piece.Span);
    }

    public void Dispose()
    {
        foreach (ArraySegment<byte> piece in _full)
            ArrayPool<byte>.Shared.Return(piece.Array!);
        _full.Clear();
        if (_current is not null)
            ArrayPool<byte>.Shared.Return(_current);
        _current = null;
        _used = 0;
        _length = 0;
    }

    private void Reserve(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        int need = Math.Max(sizeHint, 1);
        if (_current is not null && _current.Length - _used >= need)
            return;
        int size = _current is null ? FirstBytes : Math.Min(_current.Length * 2, MostBytes);
        if (_current is not null)
        {
            if (_used > 0)
                _full.Add(new ArraySegment<byte>(_current, 0, _used));
            else
                ArrayPool<byte>.Shared.Return(_current);
        }

        _current = ArrayPool<byte>.Shared.Rent(Math.Max(size, need));
        _used = 0;
    }
}
