using System.Collections.Concurrent;
using Google.Protobuf;
using Swarm.Models;
using Swarm.Models.Files;
using Swarm.Protocol.Weights;

namespace Swarm.Node.Hosting;

/// <summary>
/// What a node can hand out of its model: the description, and tensors as they are stored, as far as its files have them. A tensor that this node has not checked yet, because it is of no
/// block of its own, is checked before its first byte leaves: a damaged file shall not make a liar of it.
/// </summary>
internal sealed class ModelBlobs : IBlobSource
{
    private readonly ITensorStore _tensors;
    private readonly ModelDescription? _description;
    private readonly Dictionary<ByteString, TensorInfo> _byHash = [];
    private readonly ConcurrentDictionary<ByteString, Lazy<bool>> _sound = new();
    private readonly ByteString _descriptionHash = ByteString.Empty;
    private readonly bool _trusted;
    private WeakReference<byte[]>? _encoded;

    /// <param name="source">The model.</param>
    /// <param name="manifest">Its tensors' hashes.</param>
    /// <param name="trusted">All tensors were hashed by this process.</param>
    public ModelBlobs(ModelSource source, ModelManifest manifest, bool trusted)
    {
        _tensors = source.Tensors;
        _description = source.Description;
        _trusted = trusted;
        if (_description is not null)
            _descriptionHash = ByteString.CopyFrom(_description.ComputeHash());
        var known = _tensors.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        foreach (ManifestEntry entry in manifest.Entries)
        {
            if (known.TryGetValue(entry.Name, out TensorInfo? tensor) && tensor.ByteLength > 0)
                _byHash.TryAdd(ByteString.CopyFrom(entry.Sha256.Span), tensor);
        }
    }

    public long? Find(ByteString sha256)
    {
        if (_description is not null && sha256 == _descriptionHash)
            return Encoded().Length;
        return _byHash.TryGetValue(sha256, out TensorInfo? tensor) && _tensors.TryCopyStored(tensor, 0, stackalloc byte[1]) && IsSound(sha256, tensor)
            ? tensor.ByteLength
            : null;
    }

    public bool TryRead(ByteString sha256, long offset, Span<byte> target)
    {
        if (sha256 != _descriptionHash)
            return _byHash.TryGetValue(sha256, out TensorInfo? tensor) && _tensors.TryCopyStored(tensor, offset, target);
        Encoded().AsSpan((int)offset, target.Length).CopyTo(target);
        return true;
    }

    public void Release(ByteString sha256)
    {
        if (_byHash.TryGetValue(sha256, out TensorInfo? tensor))
            _tensors.Release(tensor);
    }

    private bool IsSound(ByteString sha256, TensorInfo tensor) =>
        _trusted || _sound.GetOrAdd(sha256, hash => new Lazy<bool>(() => hash.Span.SequenceEqual(_tensors.Sha256(tensor)))).Value;

    // Megabytes that are asked for now and then: they stay while somebody fetches them.
    private byte[] Encoded()
    {
        if (_encoded is { } kept && kept.TryGetTarget(out byte[]? bytes))
            return bytes;
        bytes = _description!.Encode();
        _encoded = new WeakReference<byte[]>(bytes);
        return bytes;
    }
}
