using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>
/// Weights in tiles of 16 rows, so that a vector holds one column of several rows and no sum is horizontal. The last tile is padded
/// with zero rows. A tile of a quantized format is a run of groups of 32 columns, each: 16 F16 scales, for Q4_1 16 F16 minimums, then
/// blocks of 64 bytes where byte row·4 + j of block g is column 4g + j (Q8_0, 8 blocks), or columns 8g + j in the low and 8g + 4 + j in the
/// high nibble (Q4, 4 blocks). A tile of floats has for each column 16 values in their stored form.
/// <para>A format joins with its <see cref="TileGroupBytes"/>, its case in packing and in <see cref="Quantum"/>, and an <c>IGroups</c> of the vector loops: how four columns of a
/// row vector come to bytes, and the term of a group. K-quants fit as groups of 32 whose scale and minimum, of 6 or 8 bits under one F16 of 256 columns, are
/// multiplied out when they are loaded; the reading of a group's halves is then part of its <c>IGroups</c>.</para>
/// </summary>
internal sealed unsafe class TileMatrix : WeightMatrix
{
    public const int TileRows = 16;

    private readonly WeightMemory.Slice _tiles;

    public TileMatrix(WeightFormat format, int rows, int columns, RowReader source, WeightMemory memory)
        : base(format, rows, columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        long stored = WeightFormats.RowBytes(format, columns);
        GroupBytes = TileGroupBytes(format);
        Groups = columns / WeightFormats.GroupLength(format);
        TileBytes = ((long)Groups * GroupBytes + 63) & ~63L;
        Tiles = (rows + TileRows - 1) / TileRows;
        _tiles = memory.Take(Tiles * TileBytes);
        for (int tile = 0; tile < Tiles; tile++)
        {
            int first = tile * TileRows;
            int count = Math.Min(TileRows, rows - first);
            ReadOnlySpan<byte> bytes = source(first, count);
            if (bytes.Length != count * stored)
                throw new ArgumentException($"rows {first}…{first + count - 1} came with {bytes.Length} bytes, expected {count * stored}", nameof(source));
            new Span<byte>(Tile(tile), checked((int)TileBytes)).Clear();
            for (int row = 0; row < count; row++)
                PackRow(bytes.Slice((int)(row * stored), (int)stored), Tile(tile), row);
        }
    }

    public int Tiles { get; }

    public long TileBytes { get; }

    /// <summary>Groups of a row; a float column is a group.</summary>
    public int Groups { get; }

    /// <summary>No scale or minimum of a quantized format and no F16 weight is infinite or NaN.</summary>
    public bool HalvesAreFinite { get; private set; } = true;

    /// <summary>Bytes of one group of all 16 rows.</summary>
    public int GroupBytes { get; }

    public override long ResidentBytes => _tiles.Bytes;

    public static int TileGroupBytes(WeightFormat format) => format switch
    {
        WeightFormat.F32 => 64,
        WeightFormat.F16 or WeightFormat.BF16 => 32,
        WeightFormat.Q8_0 => 32 + 512,
        WeightFormat.Q4_0 => 32 + 256,
        WeightFormat.Q4_1 => 64 + 256,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "not a weight format"),
    };

    /// <summary>Refuses a matrix whose memory is gone.</summary>
    public void CheckAlive() => ObjectDisposedException.ThrowIf(_tiles.Pointer == null, this);

    public byte* Tile(int tile) => _tiles.Pointer + tile * TileBytes;

    /// <summary>Quantized weight of a column of a group, as stored (Q4 unsigned).</summary>
    public static int Quantum(WeightFormat format, byte* group, int row, int column)
    {
        switch (format)
        {
            case WeightFormat.Q8_0:
                return (sbyte)group[32 + column / 4 * 64 + row * 4 + column % 4];
            default:
                byte pair = group[(format == WeightFormat.Q4_0 ? 32 : 64) + column / 8 * 64 + row * 4 + column % 4];
                return column % 8 < 4 ? pair & 15 : pair >> 4;
        }
    }

    public static float Scale(byte* group, int row) => HalfBits.ToSingle(((ushort*)group)[row]);

    public static float Minimum(byte* group, int row) => HalfBits.ToSingle(((ushort*)group)[16 + row]);

    /// <summary>A float format's weight.</summary>
    public static float Value(WeightFormat format, byte* column, int row) => format switch
    {
        WeightFormat.F32 => ((float*)column)[row],
        WeightFormat.F16 => HalfBits.ToSingle(((ushort*)column)[row]),
        _ => HalfBits.FromBrain(((ushort*)column)[row]),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void CopyRow(int row, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        Shapes.Length(destination.Length, Columns, nameof(destination));
        CheckAlive();
        byte* group = Tile(row / TileRows);
        row %= TileRows;
        if (WeightFormats.GroupLength(Format) == 1)
        {
            for (int column = 0; column < Columns; column++, group += GroupBytes)
                destination[column] = Value(Format, group, row);
        }
        else
        {
            for (int start = 0; start < Columns; start += 32, group += GroupBytes)
                CopyGroup(group, row, destination.Slice(start, 32));
        }

        GC.KeepAlive(this);
    }

    protected override void Dispose(bool disposing) => _tiles.Dispose();

    private void CopyGroup(byte* group, int row, Span<float> destination)
    {
        float scale = Scale(group, row);
        int offset = Format == WeightFormat.Q4_0 ? 8 : 0;
        for (int column = 0; column < 32; column++)
        {
            float value = scale * (Quantum(Format, group, row, column) - offset);
            destination[column] = Format == WeightFormat.Q4_1 ? value + Minimum(group, row) : value;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackRow(ReadOnlySpan<byte> stored, byte* tile, int row)
    {
        int storedGroup = WeightFormats.GroupBytes(Format);
        for (int group = 0; group < Groups; group++, tile += GroupBytes)
        {
            ReadOnlySpan<byte> from = stored.Slice(group * storedGroup, storedGroup);
            switch (Format)
            {
                case WeightFormat.F32:
                    ((uint*)tile)[row] = BinaryPrimitives.ReadUInt32LittleEndian(from);
                    break;
                case WeightFormat.F16:
                    ((ushort*)tile)[row] = ReadHalf(from);
                    break;
                case WeightFormat.BF16:
                    ((ushort*)tile)[row] = BinaryPrimitives.ReadUInt16LittleEndian(from);
                    break;
                case WeightFormat.Q8_0:
                    ((ushort*)tile)[row] = ReadHalf(from);
                    for (int block = 0; block < 8; block++)
                        from.Slice(2 + block * 4, 4).CopyTo(new Span<byte>(tile + 32 + block * 64 + row * 4, 4));
                    break;
                default:
                    ((ushort*)tile)[row] = ReadHalf(from);
                    if (Format == WeightFormat.Q4_1)
                        ((ushort*)tile)[16 + row] = ReadHalf(from[2..]);
                    PackNibbles(from[^16..], tile + GroupBytes - 256 + row * 4);
                    break;
            }
        }
    }

    private ushort ReadHalf(ReadOnlySpan<byte> from)
    {
        ushort half = BinaryPrimitives.ReadUInt16LittleEndian(from);
        HalvesAreFinite &= (half & 0x7C00) != 0x7C00;
        return half;
    }

    // GGUF's byte i holds column i low and column i + 16 high; the tile's holds columns 8g + j and 8g + 4 + j.
    private static void PackNibbles(ReadOnlySpan<byte> stored, byte* to)
    {
        for (int block = 0; block < 4; block++)
        {
            for (int j = 0; j < 4; j++)
            {
                int column = block * 8 % 16 + j;
                int low = stored[column], high = stored[column + 4];
                to[block * 64 + j] = block < 2 ? (byte)((low & 15) | ((high & 15) << 4)) : (byte)((low >> 4) | (high & 0xF0));
            }
        }
    }
}
