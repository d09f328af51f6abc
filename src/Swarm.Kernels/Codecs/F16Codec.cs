using System.Buffers.Binary;

namespace Swarm.Kernels.Codecs;

/// <summary>binary16, little-endian; infinities never occur in an encoding and are refused.</summary>
internal sealed class F16Codec() : ActivationCodec("f16", 1)
{
    private protected override int MaxTokenBytes(int hidden) => hidden * sizeof(ushort);

    private protected override int EncodeToken(ReadOnlySpan<float> values, Span<byte> destination)
    {
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(destination[(i * 2)..], HalfBits.FromSingle(values[i]));
        return MaxTokenBytes(values.Length);
    }

    private protected override string? DecodeToken(ReadOnlySpan<byte> source, Span<float> destination)
    {
        for (int i = 0; i < destination.Length; i++)
        {
            ushort half = BinaryPrimitives.ReadUInt16LittleEndian(source[(i * 2)..]);
            if ((half & 0x7FFF) == 0x7C00)
                return $"value {i} is infinite, expected finite or NaN";
            destination[i] = HalfBits.ToSingle(half);
        }

        return null;
    }

    private protected override void RoundToken(Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = HalfBits.ToSingle(HalfBits.FromSingle(values[i]));
    }
}
