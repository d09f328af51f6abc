using System.Buffers.Binary;
using Swarm.Kernels;

namespace Swarm.Models.Files;

/// <summary>Float tensors without groups, converted to float32 exactly.</summary>
internal static class StoredFloats
{
    /// <summary>All values of an F32, F16 or BF16 tensor of <paramref name="store"/>.</summary>
    public static float[] ReadVector(ITensorStore store, string name)
    {
        if (!store.TryGet(name, out TensorInfo tensor))
            throw new ModelException(ModelError.CorruptModel, $"tensor {name} is missing");
        if (tensor.Format is not (WeightFormat.F32 or WeightFormat.F16 or WeightFormat.BF16))
            throw new ModelException(ModelError.UnsupportedModel, $"tensor {name} has type {tensor.StoredType}, expected F32, F16 or BF16");
        long count = tensor.Rows * tensor.Columns;
        if (count > 1 << 26)
            throw new ModelException(ModelError.CorruptModel, $"tensor {name} has {count} values, expected a vector of at most {1 << 26}");
        var values = new float[count];
        if (count > 0)
            Convert(tensor.Format.Value, store.Rows(tensor, 0, (int)tensor.Rows), values);
        return values;
    }

    private static void Convert(WeightFormat format, ReadOnlySpan<byte> stored, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = format switch
            {
                WeightFormat.F32 => BinaryPrimitives.ReadSingleLittleEndian(stored[(4 * i)..]),
                WeightFormat.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(stored[(2 * i)..]),
                _ => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(stored[(2 * i)..]) << 16),
            };
        }
    }
}
