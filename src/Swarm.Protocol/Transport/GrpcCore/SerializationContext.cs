using System.Buffers;

namespace Grpc.Core;

/// <summary>Where a marshaller writes one message: either <see cref="Complete(byte[])"/>, or the buffer writer and then <see cref="Complete()"/>.</summary>
public abstract class SerializationContext
{
    /// <summary>Gives the whole message at once.</summary>
    public virtual void Complete(byte[] payload) => throw new NotSupportedException();

    /// <summary>Where to write the message. With <see cref="SetPayloadLength"/> called before, this is the transport's own buffer.</summary>
    public virtual IBufferWriter<byte> GetBufferWriter() => throw new NotSupportedException();

    /// <summary>States the exact length in bytes of the message, before <see cref="GetBufferWriter"/>; saves a copy.</summary>
    public virtual void SetPayloadLength(int payloadLength)
    {
    }

    /// <summary>Says that the message written to the buffer writer is complete.</summary>
    public virtual void Complete() => throw new NotSupportedException();
}
