using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>Reads gRPC frames from a pipe and hands each message to its marshaller where it lies.</summary>
internal sealed class FrameReader<T> : DeserializationContext
{
    private readonly PipeReader _source;
    private readonly Marshaller<T> _marshaller;
    private readonly int _maxBytes;
    private ReadOnlySequence<byte> _payload;

    public FrameReader(PipeReader source, Marshaller<T> marshaller, int maxBytes)
    {
        _source = source;
        _marshaller = marshaller;
        _maxBytes = maxBytes;
    }

    public override int PayloadLength => (int)_payload.Length;

    /// <summary>The message that the last successful <see cref="ReadAsync"/> read.</summary>
    public T? Message { get; private set; }

    /// <summary>Reads the next message into <see cref="Message"/>. False at the end between two frames.</summary>
    /// <exception cref="RpcException"><c>INTERNAL</c>: bytes that are no frame, a stream that ends inside one, or a message that does not parse;
    /// <c>RESOURCE_EXHAUSTED</c>: a length over the limit.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        int length = -1;
        while (true)
        {
            ReadResult result = await _source.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (length < 0 && buffer.Length >= FrameHeader.Bytes)
                length = FrameHeader.Read(buffer, _maxBytes);
            if (length >= 0 && buffer.Length >= FrameHeader.Bytes + (long)length)
            {
                Deserialize(buffer.Slice(FrameHeader.Bytes, length));
                return true;
            }

            if (result.IsCompleted)
            {
                long left = buffer.Length;
                _source.AdvanceTo(buffer.End);
                return left == 0
                    ? false
                    : throw new RpcException(new Status(StatusCode.Internal, $"the stream ended inside a message: {left} bytes of {(length < 0 ? "a header" : $"{FrameHeader.Bytes + (long)length}")}"));
            }

            _source.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    public override byte[] PayloadAsNewBuffer() => _payload.ToArray();

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _payload;

    private void Deserialize(in ReadOnlySequence<byte> payload)
    {
        _payload = payload;
        try
        {
            Message = _marshaller.ContextualDeserializer(this);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new RpcException(new Status(StatusCode.Internal, $"message of {payload.Length} bytes does not parse: {exception.Message}", exception));
        }
        finally
        {
            _payload = default;
            _source.AdvanceTo(payload.End);
        }
    }
}
