using System.Buffers.Binary;
using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Blocks;

/// <summary>Turns some rows of a stored matrix into the columns of another: floats stay as they are, quantized values become float32.</summary>
internal sealed class TurnedRows
{
    private readonly byte[] _turned;
    private readonly int _rowBytes;

    private TurnedRows(WeightFormat format, byte[] turned, int rowBytes)
    {
        Format = format;
        _turned = turned;
        _rowBytes = rowBytes;
    }

    /// <summary>Of the turned rows.</summary>
    public WeightFormat Format { get; }

    /// <summary>Reads rows [firstRow, firstRow + count) of a tensor and turns them.</summary>
    /// <param name="store">Where the tensor is.</param>
    /// <param name="tensor">[more, columns].</param>
    /// <param name="format">Its format.</param>
    /// <param name="firstRow">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="columns">Values of a row.</param>
    public static TurnedRows Read(ITensorStore store, TensorInfo tensor, WeightFormat format, long firstRow, int count, int columns)
    {
        byte[] rows;
        if (WeightFormats.GroupLength(format) == 1)
        {
            rows = store.Rows(tensor, firstRow, count).ToArray();
        }
        else
        {
            var values = new float[count * columns];
            StoredRows.Dequantize(format, store.Rows(tensor, firstRow, count), values);
            rows = new byte[4 * values.Length];
            for (int i = 0; i < values.Length; i++)
                BinaryPrimitives.WriteSingleLittleEndian(rows.AsSpan(4 * i), values[i]);
            format = WeightFormat.F32;
        }

        int size = WeightFormats.GroupBytes(format);
        var turned = new byte[rows.Length];
        for (int row = 0; row < count; row++)
        {
            for (int column = 0; column < columns; column++)
                rows.AsSpan((row * columns + column) * size, size).CopyTo(turned.AsSpan((column * count + row) * size));
        }

        return new TurnedRows(format, turned, count * size);
    }

    public ReadOnlySpan<byte> Rows(int firstRow, int count) => _turned.AsSpan(firstRow * _rowBytes, count * _rowBytes);
}
