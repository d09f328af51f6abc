using System.Globalization;

namespace Swarm.Models.Files;

/// <summary>
/// A GGUF model in several files, NAME-00001-of-00003.gguf and so on: metadata is in the first, tensors are in all. Any of them names the model. A part other than the first
/// that is not here matters only when a tensor is asked for that no part here has.
/// </summary>
public sealed class SplitGguf : ITensorStore
{
    private const int Digits = 5;
    private readonly JoinedTensors _joined = new();
    private readonly List<string> _absent = [];

    private SplitGguf()
    {
    }

    /// <summary>Key-value pairs of the first part.</summary>
    public GgufMetadata Metadata { get; private set; } = null!;

    /// <summary>Tensors of the parts that are here, part by part.</summary>
    public IReadOnlyList<TensorInfo> Tensors => _joined.Tensors;

    /// <inheritdoc/>
    public long BytesTouched => _joined.BytesTouched;

    /// <inheritdoc/>
    public long BytesRead => _joined.BytesRead;

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => _joined.Files;

    /// <summary>The part of a path that all parts share, and how many the name says there are; null where the name is none of a part.</summary>
    public static (string Stem, int Parts)? ReadName(string path)
    {
        // …-00002-of-00003.gguf
        const string extension = ".gguf", of = "-of-";
        int tail = 1 + Digits + of.Length + Digits + extension.Length;
        if (path.Length < tail || !path.EndsWith(extension, StringComparison.OrdinalIgnoreCase))
            return null;
        ReadOnlySpan<char> end = path.AsSpan(path.Length - tail);
        if (end[0] != '-' || !end.Slice(1 + Digits, of.Length).SequenceEqual(of)
            || !TryNumber(end.Slice(1, Digits), out int number) || !TryNumber(end.Slice(1 + Digits + of.Length, Digits), out int parts))
            return null;
        return number >= 1 && number <= parts ? (path[..^tail], parts) : null;
    }

    /// <summary>Path of a part, counted from 0.</summary>
    public static string PartPath(string stem, int part, int parts) => string.Create(CultureInfo.InvariantCulture, $"{stem}-{part + 1:D5}-of-{parts:D5}.gguf");

    /// <summary>Opens all parts of a model, as far as they are here.</summary>
    /// <param name="path">Any of them.</param>
    /// <exception cref="ModelException">
    /// ModelNotFound: the first is not here. CorruptModel: a part says another number or count than its name, or the parts do not make a whole; and as <see cref="GgufFile.Open(string)"/>.
    /// </exception>
    public static SplitGguf Open(string path)
    {
        (string stem, int parts) = ReadName(path)
            ?? throw new ModelException(ModelError.CorruptModel, $"{path} is a part of a model, expected a name like {PartPath("model", 0, 2)}");
        return Open(stem, parts, part => File.Exists(part) ? GgufFile.Open(part) : null);
    }

    /// <param name="stem">As <see cref="ReadName"/> gives it.</param>
    /// <param name="parts">How many the name says there are.</param>
    /// <param name="open">Opens a part; null where it is absent.</param>
    internal static SplitGguf Open(string stem, int parts, Func<string, GgufFile?> open)
    {
        if (parts > LoaderLimits.MaxShards)
            throw new ModelException(ModelError.CorruptModel, $"{PartPath(stem, 0, parts)}: {parts} parts, expected at most {LoaderLimits.MaxShards}");
        var store = new SplitGguf();
        try
        {
            store.Join(stem, parts, open);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ModelException">ModelNotFound: no part here has it, and some are not here.</exception>
    public bool TryGet(string name, out TensorInfo tensor)
    {
        if (_joined.TryGet(name, out tensor))
            return true;
        return _absent.Count == 0
            ? false
            : throw new ModelException(ModelError.ModelNotFound, $"tensor {name} is in none of the parts here; not here: {string.Join(", ", _absent)}");
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count) => _joined.PartOf(tensor).Rows(tensor, firstRow, count);

    /// <inheritdoc/>
    public float[] ReadVector(string name) => StoredFloats.ReadVector(this, name);

    /// <inheritdoc/>
    public byte[] Sha256(TensorInfo tensor) => _joined.PartOf(tensor).Sha256(tensor);

    /// <inheritdoc/>
    public bool TryCopyStored(TensorInfo tensor, long offset, Span<byte> target) => _joined.TryCopyStored(tensor, offset, target);

    /// <inheritdoc/>
    public void Release(TensorInfo tensor) => _joined.PartOf(tensor).Release(tensor);

    /// <inheritdoc/>
    public void CheckComplete()
    {
        if (_absent.Count > 0)
            throw new ModelException(ModelError.ModelNotFound, $"parts of the model are not here: {string.Join(", ", _absent)}");
    }

    /// <inheritdoc/>
    public void Dispose() => _joined.Dispose();

    private static bool TryNumber(ReadOnlySpan<char> digits, out int number) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private void Join(string stem, int parts, Func<string, GgufFile?> open)
    {
        long tensors = 0;
        for (int part = 0; part < parts; part++)
        {
            string path = PartPath(stem, part, parts);
            GgufFile? file = open(path);
            if (file is null)
            {
                if (part == 0)
                    throw new ModelException(ModelError.ModelNotFound, $"{path} is not here: the first part has the metadata of all {parts}");
                _absent.Add(path);
                continue;
            }

            _joined.Own(file);
            Check(file.Metadata, path, "split.no", part);
            Check(file.Metadata, path, "split.count", parts);
            if (part == 0)
                Metadata = file.Metadata;
            foreach (TensorInfo tensor in file.Tensors)
                _joined.Add(tensor, file, path);
            tensors += file.Tensors.Count;
        }

        if (_absent.Count == 0 && Metadata.TypeOf("split.tensors.count") is not null)
            Check(Metadata, PartPath(stem, 0, parts), "split.tensors.count", tensors);
    }

    private static void Check(GgufMetadata metadata, string path, string key, long expected)
    {
        if (!metadata.TryGetInteger(key, out long seen))
            throw new ModelException(ModelError.CorruptModel, $"{path}: {key} is missing, expected {expected}");
        if (seen != expected)
            throw new ModelException(ModelError.CorruptModel, $"{path}: {key} = {seen}, expected {expected}");
    }
}
