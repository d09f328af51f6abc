using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// Float rows in a quantized format, some megabytes ahead of whoever reads them, divided over threads. Rows are asked for in turn; nothing is held but the piece at hand.
/// </summary>
internal sealed unsafe class QuantizedRows
{
    private const int PieceBytes = 4 << 20;
    private const int TileRows = 16;

    private readonly string _tensor;
    private readonly RowReader _floats;
    private readonly WeightFormat _from;
    private readonly WeightFormat _to;
    private readonly int _rows;
    private readonly int _columns;
    private readonly int _threads;
    private readonly byte[] _piece;
    private int _first;
    private int _count;

    /// <param name="tensor">Its name, for messages.</param>
    /// <param name="floats">Reads rows as they are stored.</param>
    /// <param name="from">Their format.</param>
    /// <param name="to">The format to hand out.</param>
    /// <param name="rows">Of the matrix.</param>
    /// <param name="columns">Values of a row, whole groups.</param>
    /// <param name="threads">How many work on a piece.</param>
    public QuantizedRows(string tensor, RowReader floats, WeightFormat from, WeightFormat to, int rows, int columns, int threads)
    {
        _tensor = tensor;
        _floats = floats;
        _from = from;
        _to = to;
        _rows = rows;
        _columns = columns;
        long stored = WeightFormats.RowBytes(from, columns);
        int ahead = (int)Math.Clamp(PieceBytes / stored / TileRows * TileRows, TileRows, Math.Max(TileRows, rows));
        _threads = (int)Math.Clamp(stored * ahead / (64 << 10), 1, threads);
        _piece = new byte[ahead * WeightFormats.RowBytes(to, columns)];
    }

    private int RowBytes => (int)WeightFormats.RowBytes(_to, _columns);

    /// <summary>Rows in the quantized format; borrowed until the next call.</summary>
    /// <exception cref="ModelException">CorruptModel: a value that no scale can hold, infinite or not a number, named by tensor and row.</exception>
    public ReadOnlySpan<byte> Read(int firstRow, int rowCount)
    {
        if (firstRow < _first || firstRow + rowCount > _first + _count)
            Fill(firstRow, rowCount);
        return _piece.AsSpan((firstRow - _first) * RowBytes, rowCount * RowBytes);
    }

    private void Fill(int firstRow, int rowCount)
    {
        _first = firstRow;
        _count = Math.Min(_piece.Length / RowBytes, _rows - firstRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rowCount, _count);
        ReadOnlySpan<byte> floats = _floats(firstRow, _count);
        int bad;

        // What it points to is a mapped file or a buffer that the reader keeps until its next call, which comes when all threads are done.
        fixed (byte* start = floats)
        {
            nint address = (nint)start;
            bad = RowThreads.Run(_count, _threads, (first, count) => Quantize(address, first, count));
        }

        if (bad >= 0)
        {
            throw new ModelException(
                ModelError.CorruptModel,
                $"tensor {_tensor}: row {firstRow + bad} has a value that is infinite, not a number, or over {WeightQuantizer.LargestMagnitude}; expected numbers that {WeightFormats.Name(_to)} can hold");
        }
    }

    // The first row that cannot be quantized, or -1.
    private int Quantize(nint start, int first, int count)
    {
        long stored = WeightFormats.RowBytes(_from, _columns);
        float[] values = new float[_columns];
        for (int row = first; row < first + count; row++)
        {
            StoredRows.Dequantize(_from, new ReadOnlySpan<byte>((byte*)start + row * stored, (int)stored), values);
            if (!WeightQuantizer.CanQuantize(values))
                return row;
            WeightQuantizer.Quantize(_to, values, _piece.AsSpan(row * RowBytes, RowBytes));
        }

        return -1;
    }
}
