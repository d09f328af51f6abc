namespace Swarm.Models.Files;

/// <summary>Bytes of a tensor from its shape and type, without overflow.</summary>
internal static class TensorSizes
{
    private const long MaxRows = int.MaxValue;

    /// <exception cref="ModelException">CorruptModel: a row is not a whole number of groups, there are more than 2^31 rows, or more than 2^62 bytes.</exception>
    public static TensorInfo Describe(string path, string name, long[] shape, StoredType type, long offset)
    {
        long columns = shape.Length == 0 ? 1 : shape[^1];
        if (columns % type.GroupLength != 0)
        {
            throw new ModelException(
                ModelError.CorruptModel,
                $"{path}: tensor {name} has {columns} columns, expected a multiple of {type.GroupLength} for {type.Name}");
        }

        // Rows count even where a row is empty, so that no later product of dimensions overflows.
        Int128 rowBytes = (Int128)(columns / type.GroupLength) * type.GroupBytes;
        Int128 rows = 1;
        for (int i = 0; i < shape.Length - 1; i++)
        {
            rows *= shape[i];
            if (rows > MaxRows || rows * rowBytes > long.MaxValue / 2)
                throw new ModelException(ModelError.CorruptModel, $"{path}: tensor {name} of shape [{string.Join(", ", shape)}] is too large");
        }

        return new TensorInfo(name, shape, type.Format, type.Name, (long)(rows * rowBytes)) { Offset = offset };
    }
}
