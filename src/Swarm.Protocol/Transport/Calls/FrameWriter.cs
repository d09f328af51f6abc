using System.Buffers;
using System.Buffers.Binary;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>
/// Writes messages as gRPC frames: one flag byte (0: not compressed), four bytes of length, big endian, the message. A marshaller that states
/// its length first writes straight into the destination; another goes through a pooled buffer.
/// </summary>
internal sealed class FrameWriter<T> : SerializationContext, IBufferWriter<byte>
{
    private readonly IBufferWriter<byte> _destination;
    private readonly Marshaller<T> _marshaller;
    private readonly int _maxBytes;
    private PooledBuffer? _pooled;
    private int _length;
    private int _written;
    private bool _headerOut;
    private bool _done;

    public FrameWriter(IBufferWriter<byte> destination, Marshaller<T> marshaller, int maxBytes)
    {
        _destination = destination;
        _marshaller = marshaller;
        _maxBytes = maxBytes;
    }

    /// <summary>True when a marshaller failed with part of its message in the destination: the stream cannot go on.</summary>
    public bool Broken { get; private set; }

    /// <summary>Writes one message; nothing is flushed.</summary>
    /// <exception cref="RpcException">The message is longer than the limit.</exception>
    public void Write(T message)
    {
        _length = -1;
        _written = 0;
        _headerOut = false;
        _done = false;
        try
        {
            _marshaller.ContextualSerializer(message, this);
            if (!_done)
                throw new InvalidOperationException("the serializer returned without Complete");
        }
        catch
        {
            Broken = _headerOut;
            throw;
        }
        finally
        {
            _pooled?.Dispose();
        }
    }

    public override void SetPayloadLength(int payloadLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(payloadLength);
        Check(payloadLength);
        _length = payloadLength;
    }

    public override IBufferWriter<byte> GetBufferWriter()
    {
        if (_length < 0)
            return _pooled ??= new PooledBuffer();
        Header(_length);
        return this;
    }

    public override void Complete(byte[] payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        Check(payload.Length);
        Header(payload.Length);
        _destination.Write(payload);
        _done = true;
    }

    public override void Complete()
    {
        if (_length >= 0)
        {
            Header(_length);
            if (_written != _length)
                throw new InvalidOperationException($"the serializer stated {_length} bytes and wrote {_written}");
        }
        else
        {
            long length = _pooled?.Length ?? 0;
            Check(length);
            Header((int)length);
            _pooled?.CopyTo(_destination);
        }

        _done = true;
    }

    void IBufferWriter<byte>.Advance(int count)
    {
        if (count > _length - _written)
            throw new InvalidOperationException($"the serializer stated {_length} bytes and writes more");
        _destination.Advance(count);
        _written += count;
    }

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint) => _destination.GetMemory(sizeHint);

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => _destination.GetSpan(sizeHint);

    private void Header(int length)
    {
        if (_headerOut)
            return;
        _headerOut = true;
        Span<byte> header = _destination.GetSpan(FrameHeader.Bytes);
        header[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(header[1..], length);
        _destination.Advance(FrameHeader.Bytes);
    }

    private void Check(long length)
    {
        if (length > _maxBytes)
            throw new RpcException(new Status(StatusCode.ResourceExhausted, $"message of {length} bytes is longer than the limit of {_maxBytes} for sending"));
    }
}
