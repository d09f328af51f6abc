using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Swarm.Kernels;
using Swarm.Models.Families;

namespace Swarm.Models.Files;

/// <summary>
/// Tensors of a random model, made when they are read: a value depends on (seed, tensor's name, its index) alone, so that any node makes the same rows. Magnitudes are such that
/// a matrix keeps the size of what goes through it. Random bytes come from SplitMix64 (Steele, Lea, Flood 2014) as a counter-based generator.
/// </summary>
internal sealed class RandomTensors : ITensorStore
{
    private const int MaxKeptBytes = 1 << 22;
    private readonly Dictionary<string, TensorInfo> _byName = new(StringComparer.Ordinal);
    private readonly List<TensorInfo> _tensors = [];
    private readonly ulong _seed;

    // Two threads may load from one source; a span is borrowed until the next call on its own thread.
    [ThreadStatic]
    private static byte[]? t_buffer;
    private long _bytesTouched;

    public RandomTensors(ModelConfig config, WeightFormat format, ulong seed)
    {
        _seed = seed;
        ModelFamily family = ModelFamily.ByName(config.Family);
        int queries = config.Heads * config.HeadDimension;
        int keys = config.KeyValueHeads * config.HeadDimension;
        Add(TensorRole.Embedding, 0, format, config.Vocabulary, config.Hidden);
        for (int block = 0; block < config.Blocks; block++)
        {
            Add(TensorRole.AttentionNorm, block, WeightFormat.F32, config.Hidden);
            Add(TensorRole.Query, block, format, queries, config.Hidden);
            Add(TensorRole.Key, block, format, keys, config.Hidden);
            Add(TensorRole.Value, block, format, keys, config.Hidden);
            Add(TensorRole.AttentionOutput, block, format, config.Hidden, queries);
            Add(TensorRole.FeedForwardNorm, block, WeightFormat.F32, config.Hidden);
            Add(TensorRole.Gate, block, format, config.FeedForward, config.Hidden);
            Add(TensorRole.Up, block, format, config.FeedForward, config.Hidden);
            Add(TensorRole.Down, block, format, config.Hidden, config.FeedForward);
        }

        Add(TensorRole.FinalNorm, 0, WeightFormat.F32, config.Hidden);

        void Add(TensorRole role, int block, WeightFormat stored, params long[] shape)
        {
            var type = new StoredType(stored.ToString(), stored, WeightFormats.GroupLength(stored), WeightFormats.GroupBytes(stored));
            TensorInfo tensor = TensorSizes.Describe("random model", family.TensorName(config.Naming, role, block), shape, type, 0);
            _tensors.Add(tensor);
            _byName.Add(tensor.Name, tensor);
        }
    }

    public IReadOnlyList<TensorInfo> Tensors => _tensors;

    public long BytesTouched => Interlocked.Read(ref _bytesTouched);

    public bool TryGet(string name, out TensorInfo tensor) => _byName.TryGetValue(name, out tensor!);

    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count)
    {
        WeightFormat format = tensor.Format!.Value;
        long rowBytes = tensor.ByteLength / tensor.Rows;
        if (firstRow < 0 || count < 0 || firstRow > tensor.Rows - count || rowBytes * count > int.MaxValue)
            throw new ModelException(ModelError.InvalidArgument, $"tensor {tensor.Name}: rows {firstRow} to {firstRow + count}, expected rows within 0 to {tensor.Rows}");
        int bytes = (int)(rowBytes * count);

        // A large read leaves no large buffer behind.
        byte[] buffer = t_buffer is { } kept && kept.Length >= bytes ? kept : new byte[bytes];
        if (bytes <= MaxKeptBytes)
            t_buffer = buffer;
        Span<byte> rows = buffer.AsSpan(0, bytes);
        long groupsPerRow = tensor.Columns / WeightFormats.GroupLength(format);
        Fill(tensor, format, firstRow * groupsPerRow, rows);
        Interlocked.Add(ref _bytesTouched, bytes);
        return rows;
    }

    public float[] ReadVector(string name) => StoredFloats.ReadVector(this, name);

    /// <summary>The hash of the recipe: making the bytes to hash them would take as long as loading.</summary>
    public byte[] Sha256(TensorInfo tensor) => SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"swarm-random-1\nseed={_seed}\nname={tensor.Name}\ntype={tensor.StoredType}\nshape={tensor.ShapeText}\n")));

    public void Release(TensorInfo tensor) => t_buffer = null;

    public void Dispose() => t_buffer = null;

    private void Fill(TensorInfo tensor, WeightFormat format, long firstGroup, Span<byte> rows)
    {
        ulong key = KeyOf(tensor.Name);
        int groupBytes = WeightFormats.GroupBytes(format);
        bool norm = tensor.Shape.Count == 1;

        // Numbers that a group may draw, one for each 8 bytes of it.
        ulong draws = WeightFormats.GroupLength(format) == 256 ? 32UL : 8;

        // Standard deviation 1/√columns keeps the mean square of what a matrix is applied to.
        float deviation = (float)(1 / Math.Sqrt(tensor.Columns));
        for (int i = 0; i < rows.Length / groupBytes; i++)
        {
            Span<byte> group = rows.Slice(i * groupBytes, groupBytes);
            ulong counter = key + RandomGroup.Golden * (draws * (ulong)(firstGroup + i));
            if (norm)
                WriteFloat(format, group, 1 + 0.1f * RandomGroup.Uniform(RandomGroup.Mix(counter)));
            else if (WeightFormats.GroupLength(format) == 1)
                WriteFloat(format, group, 1.7320508f * deviation * RandomGroup.Uniform(RandomGroup.Mix(counter)));
            else
                RandomGroup.Write(format, group, counter, deviation);
        }
    }

    private static void WriteFloat(WeightFormat format, Span<byte> value, float number)
    {
        if (format == WeightFormat.F32)
            BinaryPrimitives.WriteSingleLittleEndian(value, number);
        else if (format == WeightFormat.F16)
            BinaryPrimitives.WriteHalfLittleEndian(value, (Half)number);
        else
            BinaryPrimitives.WriteUInt16LittleEndian(value, (ushort)(BitConverter.SingleToUInt32Bits(number) >> 16));
    }

    private ulong KeyOf(string name)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_seed}\n{name}")), hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }
}
