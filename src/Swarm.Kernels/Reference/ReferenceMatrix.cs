namespace Swarm.Kernels.Reference;

/// <summary>Dequantized float32 rows, row-major.</summary>
internal sealed unsafe class ReferenceMatrix : WeightMatrix
{
    private readonly NativeBuffer _values;

    public ReferenceMatrix(WeightFormat format, int rows, int columns, RowReader source)
        : base(format, rows, columns)
    {
        long stored = WeightFormats.RowBytes(format, columns);
        _values = new NativeBuffer((long)rows * columns * sizeof(float));
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<byte> bytes = source(row, 1);
            if (bytes.Length != stored)
                throw new ArgumentException($"row {row} came with {bytes.Length} bytes, expected {stored}", nameof(source));
            StoredRows.Dequantize(format, bytes, new Span<float>(Row(row), columns));
        }
    }

    public override long ResidentBytes => _values.Bytes;

    /// <summary>Refuses a matrix whose memory is gone.</summary>
    public void CheckAlive() => ObjectDisposedException.ThrowIf(_values.Pointer == null, this);

    public float* Row(int row) => (float*)_values.Pointer + (long)row * Columns;

    public override void CopyRow(int row, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        Shapes.Length(destination.Length, Columns, nameof(destination));
        CheckAlive();
        new ReadOnlySpan<float>(Row(row), Columns).CopyTo(destination);
        GC.KeepAlive(this);
    }

    protected override void Dispose(bool disposing) => _values.Dispose();
}
