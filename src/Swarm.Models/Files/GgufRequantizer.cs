using System.Text;
using Swarm.Kernels;

namespace Swarm.Models.Files;

/// <summary>
/// Writes a GGUF file with its matrices in another format: metadata as they are, vectors (norms, biases) as they are. For measuring formats on one model; values pass
/// through float32, row by row, so nothing is held whole.
/// </summary>
public static class GgufRequantizer
{
    private const int Alignment = 32;

    /// <summary>Writes <paramref name="target"/>, replacing what is there.</summary>
    /// <param name="source">A GGUF file whose matrices kernels read.</param>
    /// <param name="format">What matrices become.</param>
    /// <param name="target">The file to make.</param>
    /// <exception cref="ModelException">UnsupportedModel: a matrix of a type that kernels lack. CorruptModel: a row is no whole number of groups.</exception>
    public static void Write(GgufFile source, WeightFormat format, string target)
    {
        using FileStream stream = new(target, FileMode.Create, FileAccess.Write);
        using BinaryWriter writer = new(stream, Encoding.UTF8);
        TensorInfo[] tensors = [.. source.Tensors];
        writer.Write(GgufFile.Magic);
        writer.Write(3u);
        writer.Write((ulong)tensors.Length);
        writer.Write((ulong)source.Metadata.Keys.Count);
        ReadOnlySpan<byte> metadata = source.MetadataBytes;
        writer.Write(metadata);
        ulong offset = 0;
        foreach (TensorInfo tensor in tensors)
        {
            WriteHeader(writer, tensor, Format(tensor, format), offset);
            offset += (ulong)Padded(Bytes(tensor, Format(tensor, format)));
        }

        // Padding is counted from the file's start for the first tensor, from the data's start for the rest, which comes to the same.
        Pad(writer);
        foreach (TensorInfo tensor in tensors)
        {
            WriteRows(writer, source, tensor, Format(tensor, format));
            Pad(writer);
        }
    }

    private static WeightFormat Format(TensorInfo tensor, WeightFormat wanted)
    {
        WeightFormat stored = tensor.Format
            ?? throw new ModelException(ModelError.UnsupportedModel, $"tensor {tensor.Name} is {tensor.StoredType}, expected a format that kernels read");
        return tensor.Shape.Count == 2 ? wanted : stored;
    }

    private static long RowBytes(TensorInfo tensor, WeightFormat format)
    {
        int columns = checked((int)tensor.Columns);
        if (columns % WeightFormats.GroupLength(format) != 0)
            throw new ModelException(ModelError.CorruptModel, $"tensor {tensor.Name} has rows of {columns}, expected whole groups of {WeightFormats.GroupLength(format)} for {format}");
        return WeightFormats.RowBytes(format, columns);
    }

    private static long Bytes(TensorInfo tensor, WeightFormat format) => tensor.Rows * RowBytes(tensor, format);

    private static long Padded(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static void WriteHeader(BinaryWriter writer, TensorInfo tensor, WeightFormat format, ulong offset)
    {
        byte[] name = Encoding.UTF8.GetBytes(tensor.Name);
        writer.Write((ulong)name.Length);
        writer.Write(name);
        writer.Write((uint)tensor.Shape.Count);
        for (int i = tensor.Shape.Count - 1; i >= 0; i--)
            writer.Write((ulong)tensor.Shape[i]);
        writer.Write(GgufTypes.Number(format));
        writer.Write(offset);
    }

    private static void WriteRows(BinaryWriter writer, GgufFile source, TensorInfo tensor, WeightFormat format)
    {
        WeightFormat from = tensor.Format!.Value;
        float[] values = new float[tensor.Columns];
        byte[] stored = new byte[RowBytes(tensor, format)];
        for (long row = 0; row < tensor.Rows; row++)
        {
            ReadOnlySpan<byte> bytes = source.Rows(tensor, row, 1);
            if (from != format)
            {
                StoredRows.Dequantize(from, bytes, values);
                WeightQuantizer.Quantize(format, values, stored);
                bytes = stored;
            }

            writer.Write(bytes);
        }

        source.Release(tensor);
    }

    private static void Pad(BinaryWriter writer)
    {
        writer.Flush();
        Span<byte> zeros = stackalloc byte[Alignment];
        zeros.Clear();
        writer.Write(zeros[..(int)(Padded(writer.BaseStream.Position) - writer.BaseStream.Position)]);
    }
}
