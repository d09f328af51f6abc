using System.Runtime.InteropServices;
using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Blocks;

/// <summary>Turns a float matrix that is stored by inputs, once for all the matrices that are made from it; the last one stays until another is asked for.</summary>
internal sealed class TransposedTensor(ITensorStore store)
{
    private (string Name, int Index) _held;
    private byte[] _turned = [];

    /// <summary>Reads rows of a slice of [slice.Stored, columns], stored as [columns, slice.Stored].</summary>
    public RowReader Reader(TensorInfo tensor, RowSlice slice, int columns)
    {
        int valueBytes = WeightFormats.GroupBytes(tensor.Format!.Value);
        if (_held != (tensor.Name, slice.Index))
            Turn(tensor, slice, columns, valueBytes);
        byte[] gathered = [];
        int rowBytes = columns * valueBytes;
        return (firstRow, count) =>
        {
            if (gathered.Length < count * rowBytes)
                gathered = new byte[count * rowBytes];
            for (int i = 0; i < count; i++)
            {
                long row = slice.SourceOf(firstRow + i) - ((long)slice.Index * slice.Stored);
                _turned.AsSpan(checked((int)(row * rowBytes)), rowBytes).CopyTo(gathered.AsSpan(i * rowBytes));
            }

            return gathered.AsSpan(0, count * rowBytes);
        };
    }

    private void Turn(TensorInfo tensor, RowSlice slice, int columns, int valueBytes)
    {
        long bytes = (long)slice.Stored * columns * valueBytes;
        if (bytes > Array.MaxLength)
            throw new ModelException(ModelError.UnsupportedModel, $"tensor {tensor.Name} is stored transposed in {bytes} bytes, expected at most {Array.MaxLength}");
        _turned = new byte[bytes];
        _held = (tensor.Name, slice.Index);
        ReadOnlySpan<byte> stored = store.Rows(tensor, (long)slice.Index * columns, columns);
        if (valueBytes == 4)
            Turn<uint>(stored, slice.Stored, columns);
        else
            Turn<ushort>(stored, slice.Stored, columns);
    }

    // Squares of 32, so that the lines of both stay in the cache.
    private void Turn<T>(ReadOnlySpan<byte> stored, int rows, int columns)
        where T : unmanaged
    {
        const int Square = 32;
        ReadOnlySpan<T> from = MemoryMarshal.Cast<byte, T>(stored);
        Span<T> to = MemoryMarshal.Cast<byte, T>(_turned.AsSpan());
        for (int row = 0; row < rows; row += Square)
        {
            for (int column = 0; column < columns; column += Square)
            {
                for (int r = row; r < Math.Min(rows, row + Square); r++)
                {
                    for (int c = column; c < Math.Min(columns, column + Square); c++)
                        to[(r * columns) + c] = from[(c * rows) + r];
                }
            }
        }
    }
}
