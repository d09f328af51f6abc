using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>Writes the groups of formats that have more than a scale and nibbles into a tile, and reads one row of any quantized group back (<see cref="TileLayout"/>).</summary>
internal static unsafe class TileGroups
{
    private const int Rows = TileMatrix.TileRows;

    /// <summary>Writes one stored group, of 32 or 256 columns, of one row.</summary>
    /// <param name="format">Any quantized format.</param>
    /// <param name="stored">The group as stored.</param>
    /// <param name="head">Its head in the tile; the bodies follow.</param>
    /// <param name="row">Row of the tile.</param>
    /// <returns>Whether scale and minimum are finite.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool Write(WeightFormat format, ReadOnlySpan<byte> stored, byte* head, int row)
    {
        TileLayout layout = TileLayout.Of(format);
        int length = 32 * layout.Groups;
        byte* quanta = stackalloc byte[StoredGroup.MaxLength];
        sbyte* scales = stackalloc sbyte[StoredGroup.MaxLength / StoredGroup.ScaleLength];
        byte* minimums = stackalloc byte[StoredGroup.MaxLength / StoredGroup.ScaleLength];
        StoredGroup.Read(format, stored, new(quanta, length), new(scales, length / StoredGroup.ScaleLength), new(minimums, length / StoredGroup.ScaleLength));
        bool finite = WriteHead(format, stored, head, row);
        byte* body = head + layout.HeadBytes;
        for (int group = 0; group < layout.Groups; group++, body += layout.BodyBytes, quanta += 32, scales += 2, minimums += 2)
        {
            WriteScales(format, scales, minimums, body, row);
            byte* high = body + layout.ScaleBytes + row * 4, low = high + layout.HighBytes;
            int lowBits = layout.LowBytes / 64;
            uint* quads = (uint*)quanta;
            if (layout.HighBytes == 64)
                *(uint*)high = Bits(quads, lowBits);
            else if (layout.HighBytes == 128)
                (*(uint*)high, *(uint*)(high + 64)) = (Pairs(quads, lowBits), Pairs(quads + 4, lowBits));
            if (lowBits == 2)
                (*(uint*)low, *(uint*)(low + 64)) = (Pairs(quads, 0), Pairs(quads + 4, 0));
            for (int quad = 0; lowBits == 4 && quad < 8; quad += 2, low += 64)
                *(uint*)low = (quads[quad] & 0x0F0F0F0F) | (quads[quad + 1] & 0x0F0F0F0F) << 4;
            for (int quad = 0; lowBits == 8 && quad < 8; quad++, low += 64)
                *(uint*)low = quads[quad];
        }

        return finite;
    }

    /// <summary>The integer that a column's weight is a multiple of.</summary>
    public static int Integer(WeightFormat format, in TileLayout layout, byte* body, int row, int column)
    {
        int place = row * 4 + column % 4, quad = column / 4;
        byte* high = body + layout.ScaleBytes + place, low = high + layout.HighBytes;
        int lowBits = layout.LowBytes / 64;
        int quantum = lowBits switch
        {
            2 => low[quad / 4 * 64] >> quad % 4 * 2 & 3,
            4 => low[quad / 2 * 64] >> quad % 2 * 4 & 15,
            _ => low[quad * 64],
        };
        if (layout.HighBytes == 64)
            quantum |= (high[0] >> quad & 1) << lowBits;
        else if (layout.HighBytes == 128)
            quantum |= (high[quad / 4 * 64] >> quad % 4 * 2 & 3) << lowBits;
        return StoredGroup.Integer(format, quantum);
    }

    /// <summary>The integer scale of the first or second 16 columns; 1 where the format has none.</summary>
    public static int IntegerScale(WeightFormat format, byte* body, int row, int half) => format switch
    {
        WeightFormat.Q4_K or WeightFormat.Q5_K => body[2 * row],
        WeightFormat.Q3_K or WeightFormat.Q6_K or WeightFormat.IQ4_XS => (sbyte)body[2 * row + half],
        WeightFormat.Q2_K => body[2 * row + half] & 15,
        _ => 1,
    };

    /// <summary>The integer minimum of the first or second 16 columns, of the formats that have them.</summary>
    public static int IntegerMinimum(WeightFormat format, byte* body, int row, int half) =>
        format == WeightFormat.Q2_K ? body[2 * row + half] >> 4 : body[2 * row + 1];

    /// <summary>The scale of a group.</summary>
    public static float Scale(WeightFormat format, byte* head, int row) =>
        StoredGroup.Scale(format, format == WeightFormat.MXFP4 ? head[row] : ((ushort*)head)[row]);

    /// <summary>The minimum of a group, of the formats that have one.</summary>
    public static float Minimum(byte* head, int row) => HalfBits.ToSingle(((ushort*)head)[Rows + row]);

    private static bool WriteHead(WeightFormat format, ReadOnlySpan<byte> stored, byte* head, int row)
    {
        ushort scale = StoredGroup.ScaleBits(format, stored);
        if (format == WeightFormat.MXFP4)
        {
            head[row] = (byte)scale;
            return scale != 255;
        }

        ((ushort*)head)[row] = scale;
        bool finite = (scale & 0x7C00) != 0x7C00;
        if (!StoredGroup.HasMinimum(format))
            return finite;
        ushort minimum = StoredGroup.MinimumBits(format, stored);
        ((ushort*)head)[Rows + row] = minimum;
        return finite && (minimum & 0x7C00) != 0x7C00;
    }

    private static void WriteScales(WeightFormat format, sbyte* scales, byte* minimums, byte* body, int row)
    {
        switch (format)
        {
            case WeightFormat.Q4_K or WeightFormat.Q5_K:
                body[2 * row] = (byte)scales[0];
                body[2 * row + 1] = minimums[0];
                break;
            case WeightFormat.Q3_K or WeightFormat.Q6_K or WeightFormat.IQ4_XS:
                body[2 * row] = (byte)scales[0];
                body[2 * row + 1] = (byte)scales[1];
                break;
            case WeightFormat.Q2_K:
                body[2 * row] = (byte)((int)(byte)scales[0] | minimums[0] << 4);
                body[2 * row + 1] = (byte)((int)(byte)scales[1] | minimums[1] << 4);
                break;
        }
    }

    // Bit `place` of the bytes of eight quads, that of quad q as bit q.
    private static uint Bits(uint* quads, int place)
    {
        uint bits = 0;
        for (int quad = 0; quad < 8; quad++)
            bits |= (quads[quad] >> place & 0x01010101) << quad;
        return bits;
    }

    // Two bits from `place` on of the bytes of four quads, those of quad i as bits 2i and 2i + 1.
    private static uint Pairs(uint* quads, int place)
    {
        uint bits = 0;
        for (int quad = 0; quad < 4; quad++)
            bits |= (quads[quad] >> place & 0x03030303) << 2 * quad;
        return bits;
    }
}
