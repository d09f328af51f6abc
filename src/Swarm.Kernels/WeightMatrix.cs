namespace Swarm.Kernels;

/// <summary>A weight matrix [rows, columns] in the form that a <see cref="KernelSet"/> computes with. Owns its memory.</summary>
public abstract class WeightMatrix(WeightFormat format, int rows, int columns) : IDisposable
{
    /// <summary>The stored format that the values came from.</summary>
    public WeightFormat Format { get; } = format;

    /// <summary>Outputs.</summary>
    public int Rows { get; } = rows;

    /// <summary>Inputs.</summary>
    public int Columns { get; } = columns;

    /// <summary>Bytes held in memory.</summary>
    public abstract long ResidentBytes { get; }

    /// <summary>Writes the float32 values of one row, each exactly as the stored format defines it.</summary>
    public abstract void CopyRow(int row, Span<float> destination);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the memory.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
