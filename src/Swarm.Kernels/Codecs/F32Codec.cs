using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Swarm.Kernels.Codecs;

/// <summary>The float32 bits, little-endian.</summary>
internal sealed class F32Codec() : ActivationCodec("f32", 0)
{
    private protected override int MaxTokenBytes(int hidden) => hidden * sizeof(float);

    private protected override int EncodeToken(ReadOnlySpan<float> values, Span<byte> destination)
    {
        if (BitConverter.IsLittleEndian)
        {
            MemoryMarshal.AsBytes(values).CopyTo(destination);
            return MaxTokenBytes(values.Length);
        }

        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(destination[(i * 4)..], values[i]);
        return MaxTokenBytes(values.Length);
    }

    private protected override string? DecodeToken(ReadOnlySpan<byte> source, Span<float> destination)
    {
        if (BitConverter.IsLittleEndian)
        {
            source.CopyTo(MemoryMarshal.AsBytes(destination));
            return null;
        }

        for (int i = 0; i < destination.Length; i++)
            destination[i] = BinaryPrimitives.ReadSingleLittleEndian(source[(i * 4)..]);
        return null;
    }

    private protected override void RoundToken(Span<float> values)
    {
    }
}
