using System.Buffers;
using System.Buffers.Binary;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The five bytes before each message.</summary>
internal static class FrameHeader
{
    public const int Bytes = 5;

    /// <summary>The length of the message that follows, checked against the limit before anything of it is buffered.</summary>
    /// <exception cref="RpcException">The flag is not 0, or the length is over the limit.</exception>
    public static int Read(in ReadOnlySequence<byte> buffer, int maxBytes)
    {
        Span<byte> header = stackalloc byte[Bytes];
        buffer.Slice(0, Bytes).CopyTo(header);
        if (header[0] == 1)
            throw new RpcException(new Status(StatusCode.Internal, "frame: flag says compressed, but no grpc-encoding other than identity was agreed"));
        if (header[0] != 0)
            throw new RpcException(new Status(StatusCode.Internal, $"frame: flag {header[0]}, expected 0"));
        uint length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (length > (uint)maxBytes)
            throw new RpcException(new Status(StatusCode.ResourceExhausted, $"message of {length} bytes is longer than the limit of {maxBytes}"));
        return (int)length;
    }
}
