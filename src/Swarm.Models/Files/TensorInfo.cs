using Swarm.Kernels;

namespace Swarm.Models.Files;

/// <summary>One stored tensor.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Shape">Lengths of its dimensions, the outermost first: [rows, columns] for a matrix.</param>
/// <param name="Format">The layout in which its rows are handed out, or null where the kernels have none for it. That of 8-bit floats is 16 bits wide.</param>
/// <param name="StoredType">The file's own word for the type: "Q4_1", "BF16", "I32".</param>
/// <param name="ByteLength">Bytes of all its values as they are stored.</param>
public sealed record TensorInfo(string Name, IReadOnlyList<long> Shape, WeightFormat? Format, string StoredType, long ByteLength)
{
    /// <summary>First byte, counted from the start of the file; files place their tensors themselves.</summary>
    internal long Offset { get; init; }

    /// <summary>Product of all dimensions but the last; 1 for a vector.</summary>
    public long Rows
    {
        get
        {
            long rows = 1;
            for (int i = 0; i < Shape.Count - 1; i++)
                rows *= Shape[i];
            return rows;
        }
    }

    /// <summary>The last dimension; 1 for a scalar.</summary>
    public long Columns => Shape.Count == 0 ? 1 : Shape[^1];

    /// <summary>The shape as messages write it: [49152, 576].</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}
