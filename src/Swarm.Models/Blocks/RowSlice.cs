using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Blocks;

/// <summary>
/// Which rows of a stored tensor make a matrix: runs at a regular distance, of one of several matrices that lie in the tensor one after the other. Row r is stored row
/// First + (r ÷ Run) · Stride + r mod Run.
/// </summary>
/// <param name="Stored">Rows of the stored matrix, or columns where it is transposed.</param>
/// <param name="First">Where the first run begins.</param>
/// <param name="Run">Rows of a run.</param>
/// <param name="Stride">From one run to the next.</param>
internal readonly record struct RowSlice(int Stored, int First, int Run, int Stride)
{
    /// <summary>Matrices in the tensor, the outermost of three dimensions; 1 where it has two.</summary>
    public int Matrices { get; init; } = 1;

    /// <summary>Which of them.</summary>
    public int Index { get; init; }

    /// <summary>Which expert's tensor it is, where each has its own.</summary>
    public int Expert { get; init; }

    /// <summary>The tensor has inputs as rows and outputs as columns.</summary>
    public bool Transposed { get; init; }

    /// <summary>All rows of a matrix.</summary>
    public static RowSlice All(int rows) => new(rows, 0, rows, rows);

    /// <summary>Rows that follow each other.</summary>
    public static RowSlice Of(int stored, int first, int count) => new(stored, first, count, count);

    /// <summary>The tensor has the groups of 32 columns apart, 16 bytes each (<see cref="MicroscaledTensors"/>).</summary>
    public bool Grouped { get; init; }

    /// <summary>Shape of the tensor, for a matrix of so many columns.</summary>
    public IReadOnlyList<long> ShapeOf(int columns)
    {
        if (Grouped)
            return [Matrices, Stored, columns / 32, 16];
        (long rows, long width) = Transposed ? (columns, Stored) : (Stored, (long)columns);
        return Matrices > 1 ? [Matrices, rows, width] : [rows, width];
    }

    /// <summary>Where a row lies among the stored ones, over all matrices.</summary>
    public long SourceOf(int row) => ((long)Index * Stored) + First + ((long)(row / Run) * Stride) + (row % Run);

    /// <summary>Reads rows of the slice; not for transposed ones.</summary>
    public RowReader Reader(ITensorStore store, TensorInfo tensor, int rows, long rowBytes)
    {
        RowSlice slice = this;
        if (Run >= rows)
            return (firstRow, count) => store.Rows(tensor, slice.SourceOf(firstRow), count);

        // Runs are brought together, as many as are asked for at a time.
        byte[] gathered = [];
        return (firstRow, count) =>
        {
            if (gathered.Length < count * rowBytes)
                gathered = new byte[count * rowBytes];
            for (int done = 0; done < count;)
            {
                int row = firstRow + done;
                int run = Math.Min(count - done, slice.Run - (row % slice.Run));
                store.Rows(tensor, slice.SourceOf(row), run).CopyTo(gathered.AsSpan((int)(done * rowBytes)));
                done += run;
            }

            return gathered.AsSpan(0, (int)(count * rowBytes));
        };
    }
}
