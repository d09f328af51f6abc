using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>
/// Weights in tiles of 16 rows, so that a vector holds one column of several rows and no sum is horizontal. The last tile is padded
/// with zero rows. A tile of a quantized format is a run of groups of 32 columns (<see cref="TileLayout"/>). A tile of floats has for each column 16 values in their stored form.
/// <para>A format joins with its <see cref="TileLayout"/>, the reading of its stored groups (<see cref="StoredGroup"/>), and its operators in the vector loops: how four columns of a
/// row vector come to bytes, and the term of a group.</para>
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
        bool quantized = WeightFormats.GroupLength(format) > 1;
        Layout = quantized ? TileLayout.Of(format) : default;
        Groups = quantized ? columns / 32 : columns;
        GroupBytes = quantized ? Layout.HeadBytes + Layout.BodyBytes : format == WeightFormat.F32 ? 64 : 32;
        TileBytes = ((quantized ? Layout.HeadOffset(Groups) : (long)Groups * GroupBytes) + 63) & ~63L;
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

    /// <summary>Where the groups of a quantized format lie.</summary>
    public TileLayout Layout { get; }

    /// <summary>Groups of 32 of a row; a float column is a group.</summary>
    public int Groups { get; }

    /// <summary>A format of the vector loops for integer scales, more than four bits or a table.</summary>
    public bool IsScaled => Format is >= WeightFormat.Q5_0 and <= WeightFormat.MXFP4;

    /// <summary>No scale or minimum of a quantized format and no F16 weight is infinite or NaN.</summary>
    public bool HalvesAreFinite { get; private set; } = true;

    /// <summary>Bytes of one group of all 16 rows, of formats whose groups have a head each.</summary>
    public int GroupBytes { get; }

    public override long ResidentBytes => _tiles.Bytes;

    /// <summary>Refuses a matrix whose memory is gone.</summary>
    public void CheckAlive() => ObjectDisposedException.ThrowIf(_tiles.Pointer == null, this);

    public byte* Tile(int tile) => _tiles.Pointer + tile * TileBytes;

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
            for (int i = 0; i < Groups; i++)
                CopyGroup(group + Layout.HeadOffset(i), group + Layout.BodyOffset(i), row, destination.Slice(32 * i, 32));
        }

        GC.KeepAlive(this);
    }

    protected override void Dispose(bool disposing) => _tiles.Dispose();

    private void CopyGroup(byte* head, byte* body, int row, Span<float> destination)
    {
        float scale = TileGroups.Scale(Format, head, row);
        float minimum = StoredGroup.HasMinimum(Format) ? TileGroups.Minimum(head, row) : 0;
        for (int column = 0; column < 32; column++)
        {
            float value = scale * TileGroups.IntegerScale(Format, body, row, column / 16) * TileGroups.Integer(Format, Layout, body, row, column);
            if (StoredGroup.HasIntegerMinimums(Format))
                value -= minimum * TileGroups.IntegerMinimum(Format, body, row, column / 16);
            else if (StoredGroup.HasMinimum(Format))
                value += minimum;
            destination[column] = value;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackRow(ReadOnlySpan<byte> stored, byte* tile, int row)
    {
        int bytes = WeightFormats.GroupBytes(Format);
        long step = Layout.Groups == 0 ? GroupBytes : Layout.HeadOffset(Layout.Groups);
        for (; stored.Length > 0; stored = stored[bytes..], tile += step)
        {
            switch (Format)
            {
                case WeightFormat.F32:
                    ((uint*)tile)[row] = BinaryPrimitives.ReadUInt32LittleEndian(stored);
                    break;
                case WeightFormat.F16:
                    ((ushort*)tile)[row] = ReadHalf(stored);
                    break;
                case WeightFormat.BF16:
                    ((ushort*)tile)[row] = BinaryPrimitives.ReadUInt16LittleEndian(stored);
                    break;
                case WeightFormat.Q8_0:
                    ((ushort*)tile)[row] = ReadHalf(stored);
                    for (int block = 0; block < 8; block++)
                        stored.Slice(2 + block * 4, 4).CopyTo(new Span<byte>(tile + 32 + block * 64 + row * 4, 4));
                    break;
                case WeightFormat.Q4_0 or WeightFormat.Q4_1:
                    ((ushort*)tile)[row] = ReadHalf(stored);
                    if (Format == WeightFormat.Q4_1)
                        ((ushort*)tile)[16 + row] = ReadHalf(stored[2..]);
                    PackNibbles(stored.Slice(bytes - 16, 16), tile + GroupBytes - 256 + row * 4);
                    break;
                default:
                    HalvesAreFinite &= TileGroups.Write(Format, stored[..bytes], tile, row);
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
