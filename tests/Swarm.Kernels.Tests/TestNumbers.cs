using System.Buffers.Binary;

namespace Swarm.Kernels.Tests;

/// <summary>Seeded numbers and stored rows; SplitMix64, so that a seed means the same everywhere.</summary>
internal sealed class TestNumbers(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    public int Below(int limit) => (int)(Next() % (ulong)limit);

    /// <summary>Uniform in [−magnitude, magnitude), in steps of 2^-23.</summary>
    public float Uniform(float magnitude = 1f) => ((int)(Next() >> 40) - (1 << 23)) * (1f / (1 << 23)) * magnitude;

    public float[] Floats(int count, float magnitude = 1f)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = Uniform(magnitude);
        return values;
    }

    /// <summary>Rows in a format's stored layout, scales about 0.01.</summary>
    public byte[] Rows(WeightFormat format, int rows, int columns)
    {
        byte[] stored = new byte[WeightFormats.RowBytes(format, columns) * rows];
        int size = WeightFormats.GroupBytes(format);
        for (int offset = 0; offset < stored.Length; offset += size)
        {
            Span<byte> group = stored.AsSpan(offset, size);
            switch (format)
            {
                case WeightFormat.F32:
                    BinaryPrimitives.WriteSingleLittleEndian(group, Uniform());
                    break;
                case WeightFormat.F16:
                    BinaryPrimitives.WriteHalfLittleEndian(group, (Half)Uniform());
                    break;
                case WeightFormat.BF16:
                    BinaryPrimitives.WriteUInt16LittleEndian(group, (ushort)(BitConverter.SingleToUInt32Bits(Uniform()) >> 16));
                    break;
                default:
                    for (int i = 0; i < size; i++)
                        group[i] = (byte)Next();
                    WriteScales(format, group);
                    break;
            }
        }

        return stored;
    }

    private void WriteScales(WeightFormat format, Span<byte> group)
    {
        bool wide = WeightFormats.GroupLength(format) == 256;
        if (format == WeightFormat.MXFP4)
            group[0] = (byte)(116 + Below(8));
        else
            BinaryPrimitives.WriteHalfLittleEndian(group[StoredGroup.ScaleOffset(format)..], (Half)Uniform(wide ? 0.001f : 0.02f));
        if (StoredGroup.HasMinimum(format))
            BinaryPrimitives.WriteHalfLittleEndian(group[StoredGroup.MinimumOffset(format)..], (Half)Uniform(wide ? 0.005f : 0.1f));
    }

    public static RowReader Reader(WeightFormat format, byte[] stored, int columns)
    {
        int row = (int)WeightFormats.RowBytes(format, columns);
        return (first, count) => stored.AsSpan(first * row, count * row);
    }

    public static WeightMatrix Pack(KernelSet kernels, WeightFormat format, byte[] stored, int rows, int columns) =>
        kernels.Pack(format, rows, columns, Reader(format, stored, columns));
}
