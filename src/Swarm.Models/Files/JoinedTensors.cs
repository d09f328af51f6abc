namespace Swarm.Models.Files;

/// <summary>Tensors that lie in several files, each in one of them. Those of a file that is not here are known by name at most, and refused when they are asked for.</summary>
internal sealed class JoinedTensors
{
    /// <summary>What a tensor of an absent file has for a type.</summary>
    public const string AbsentType = "absent";

    private readonly Dictionary<string, (TensorInfo Tensor, ITensorStore? Part, string Path)> _byName = new(StringComparer.Ordinal);
    private readonly List<TensorInfo> _tensors = [];
    private readonly List<ITensorStore> _parts = [];

    public IReadOnlyList<TensorInfo> Tensors => _tensors;

    public long BytesTouched => _parts.Sum(part => part.BytesTouched);

    public long BytesRead => _parts.Sum(part => part.BytesRead);

    public IReadOnlyList<string> Files => [.. _parts.SelectMany(part => part.Files)];

    /// <summary>Takes a file over.</summary>
    public void Own(ITensorStore part) => _parts.Add(part);

    /// <summary>Joins a tensor of a file.</summary>
    /// <exception cref="ModelException">CorruptModel: another file has given it already.</exception>
    public void Add(TensorInfo tensor, ITensorStore part, string path) => Add(tensor, path, part);

    /// <summary>Joins the name of a tensor whose file is absent.</summary>
    /// <exception cref="ModelException">CorruptModel: another file has given it already.</exception>
    public void AddAbsent(string name, string path) => Add(new TensorInfo(name, [], null, AbsentType, 0), path, null);

    /// <summary>Finds a tensor.</summary>
    /// <exception cref="ModelException">ModelNotFound: it lies in a file that is not here.</exception>
    public bool TryGet(string name, out TensorInfo tensor)
    {
        bool found = _byName.TryGetValue(name, out (TensorInfo Tensor, ITensorStore? Part, string Path) place);
        if (found && place.Part is null)
            throw Absent(name, place.Path);
        tensor = place.Tensor;
        return found;
    }

    /// <summary>The file that a tensor lies in.</summary>
    /// <exception cref="ModelException">ModelNotFound: it is not here.</exception>
    public ITensorStore PartOf(TensorInfo tensor)
    {
        (_, ITensorStore? part, string path) = _byName[tensor.Name];
        return part ?? throw Absent(tensor.Name, path);
    }

    /// <summary>Copies stored bytes of a tensor; false where its file is absent.</summary>
    public bool TryCopyStored(TensorInfo tensor, long offset, Span<byte> target) =>
        _byName.TryGetValue(tensor.Name, out (TensorInfo Tensor, ITensorStore? Part, string Path) place) && place.Part?.TryCopyStored(place.Tensor, offset, target) == true;

    /// <summary>Refuses a model of which a file is absent.</summary>
    /// <exception cref="ModelException">ModelNotFound, naming the first such tensor and its file.</exception>
    public void CheckComplete()
    {
        foreach (TensorInfo tensor in _tensors)
            PartOf(tensor);
    }

    public void Dispose() => _parts.ForEach(part => part.Dispose());

    private void Add(TensorInfo tensor, string path, ITensorStore? part)
    {
        if (!_byName.TryAdd(tensor.Name, (tensor, part, path)))
            throw new ModelException(ModelError.CorruptModel, $"tensor {tensor.Name} is given twice, by {_byName[tensor.Name].Path} and {path}");
        _tensors.Add(tensor);
    }

    private static ModelException Absent(string name, string path) =>
        new(ModelError.ModelNotFound, $"tensor {name} lies in {path}, which is not here");
}
