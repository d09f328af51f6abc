using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Swarm.Kernels;

/// <summary>Values of rows in the layout that files hold (GGUF's; floats little-endian).</summary>
public static class StoredRows
{
    /// <summary>Writes the float32 values of <paramref name="stored"/>, groups in order, each operation rounded once: d·s·q, and to that the minimum added (Q4_1, Q5_1) or e·m taken away (Q2_K, Q4_K, Q5_K).</summary>
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
                for (int i = FromHalves(stored, values); i < values.Length; i++)
                    values[i] = HalfBits.ToSingle(ReadHalf(stored, i * 2));
                return;
            case WeightFormat.BF16:
                for (int i = FromBrains(stored, values); i < values.Length; i++)
                    values[i] = HalfBits.FromBrain(ReadHalf(stored, i * 2));
                return;
            default:
                DequantizeGroups(format, stored, values);
                return;
        }
    }

    // Eight at a time as HalfBits does one; returns how many.
    private static int FromHalves(ReadOnlySpan<byte> stored, Span<float> values)
    {
        int i = 0;
        if (!Vector256.IsHardwareAccelerated || !BitConverter.IsLittleEndian)
            return i;
        ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(stored);
        Vector256<uint> least = Vector256.Create(0x0F800000u), infinite = Vector256.Create(0x7F800000u);
        Vector256<float> power = Vector256.Create(5192296858534827628530496329220096f); // 2^112
        for (; i <= values.Length - 8; i += 8)
        {
            (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(Vector128.Create(halves.Slice(i, 8)));
            Vector256<uint> half = Vector256.Create(low, high);
            Vector256<uint> magnitude = (half & Vector256.Create(0x7FFFu)) << 13;
            Vector256<uint> sign = (half & Vector256.Create(0x8000u)) << 16;
            Vector256<uint> finite = (magnitude.AsSingle() * power).AsUInt32();
            Vector256<uint> bits = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(magnitude.AsInt32(), least.AsInt32()).AsUInt32(), infinite | magnitude, finite);
            (sign | bits).AsSingle().CopyTo(values.Slice(i, 8));
        }

        return i;
    }

    private static int FromBrains(ReadOnlySpan<byte> stored, Span<float> values)
    {
        int i = 0;
        if (!Vector256.IsHardwareAccelerated || !BitConverter.IsLittleEndian)
            return i;
        ReadOnlySpan<ushort> brains = MemoryMarshal.Cast<byte, ushort>(stored);
        for (; i <= values.Length - 8; i += 8)
        {
            (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(Vector128.Create(brains.Slice(i, 8)));
            (Vector256.Create(low, high) << 16).AsSingle().CopyTo(values.Slice(i, 8));
        }

        return i;
    }

    private static void DequantizeGroups(WeightFormat format, ReadOnlySpan<byte> stored, Span<float> values)
    {
        int bytes = WeightFormats.GroupBytes(format), length = WeightFormats.GroupLength(format);
        bool hasMinimum = StoredGroup.HasMinimum(format), takesAway = StoredGroup.HasIntegerMinimums(format);
        Span<byte> quanta = stackalloc byte[StoredGroup.MaxLength];
        Span<sbyte> scales = stackalloc sbyte[StoredGroup.MaxLength / StoredGroup.ScaleLength];
        Span<byte> minimums = stackalloc byte[StoredGroup.MaxLength / StoredGroup.ScaleLength];
        for (; stored.Length > 0; stored = stored[bytes..], values = values[length..])
        {
            StoredGroup.Read(format, stored[..bytes], quanta[..length], scales[..(length / StoredGroup.ScaleLength)], minimums[..(length / StoredGroup.ScaleLength)]);
            float d = StoredGroup.Scale(format, StoredGroup.ScaleBits(format, stored));
            float m = hasMinimum ? HalfBits.ToSingle(StoredGroup.MinimumBits(format, stored)) : 0;
            for (int i = 0; i < length; i++)
            {
                float value = d * scales[i / StoredGroup.ScaleLength] * StoredGroup.Integer(format, quanta[i]);
                if (takesAway)
                    value -= m * minimums[i / StoredGroup.ScaleLength];
                else if (hasMinimum)
                    value += m;
                values[i] = value;
            }
        }
    }

    private static ushort ReadHalf(ReadOnlySpan<byte> stored, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(stored[offset..]);
}
