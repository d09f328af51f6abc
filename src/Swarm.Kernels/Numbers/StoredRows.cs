using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Swarm.Kernels;

/// <summary>Values of rows in the layout that files hold (GGUF's; floats little-endian).</summary>
public static class StoredRows
{
    /// <summary>Writes the float32 values of <paramref name="stored"/>, groups in order: d·q, d·(q − 8) or d·q + m, each operation rounded once.</summary>
    /// <param name="format">Layout of <paramref name="stored"/>.</param>
    /// <param name="stored">Whole groups.</param>
    /// <param name="values">As many values as the groups hold.</param>
    /// <exception cref="ArgumentException">The lengths do not match.</exception>
    public static void Dequantize(WeightFormat format, ReadOnlySpan<byte> stored, Span<float> values)
    {
        if (WeightFormats.RowBytes(format, values.Length) != stored.Length)
            throw new ArgumentException($"{stored.Length} bytes stored, expected {WeightFormats.RowBytes(format, values.Length)} for {values.Length} values of {format}", nameof(stored));
        switch (format)
        {
            case WeightFormat.F32:
                if (BitConverter.IsLittleEndian)
                {
                    stored.CopyTo(MemoryMarshal.AsBytes(values));
                    return;
                }

                for (int i = 0; i < values.Length; i++)
                    values[i] = BinaryPrimitives.ReadSingleLittleEndian(stored[(i * 4)..]);
                return;
            case WeightFormat.F16:
                for (int i = 0; i < values.Length; i++)
                    values[i] = HalfBits.ToSingle(ReadHalf(stored, i * 2));
                return;
            case WeightFormat.BF16:
                for (int i = 0; i < values.Length; i++)
                    values[i] = HalfBits.FromBrain(ReadHalf(stored, i * 2));
                return;
            default:
                int bytes = WeightFormats.GroupBytes(format);
                for (int group = 0; group < values.Length / 32; group++)
                    DequantizeGroup(format, stored.Slice(group * bytes, bytes), values.Slice(group * 32, 32));
                return;
        }
    }

    private static void DequantizeGroup(WeightFormat format, ReadOnlySpan<byte> stored, Span<float> values)
    {
        float scale = HalfBits.ToSingle(ReadHalf(stored, 0));
        switch (format)
        {
            case WeightFormat.Q8_0:
                for (int i = 0; i < 32; i++)
                    values[i] = scale * (sbyte)stored[2 + i];
                return;
            case WeightFormat.Q4_0:
                for (int i = 0; i < 16; i++)
                {
                    values[i] = scale * ((stored[2 + i] & 15) - 8);
                    values[i + 16] = scale * ((stored[2 + i] >> 4) - 8);
                }

                return;
            default:
                float minimum = HalfBits.ToSingle(ReadHalf(stored, 2));
                for (int i = 0; i < 16; i++)
                {
                    float low = scale * (stored[4 + i] & 15);
                    float high = scale * (stored[4 + i] >> 4);
                    values[i] = low + minimum;
                    values[i + 16] = high + minimum;
                }

                return;
        }
    }

    private static ushort ReadHalf(ReadOnlySpan<byte> stored, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(stored[offset..]);
}
