using Swarm.Kernels;
using Swarm.Models.Families;
using Swarm.Models.Files;

namespace Swarm.Models.Blocks;

/// <summary>Brings tensors of a model into the kernels' form, each checked against the configuration's shapes and the manifest first.</summary>
internal sealed class TensorLoader
{
    private readonly ITensorStore _store;
    private readonly ModelFamily _family;
    private readonly KernelSet _kernels;
    private readonly ModelManifest? _manifest;
    private readonly CancellationToken _cancellationToken;
    private readonly List<WeightMatrix> _matrices = [];
    private RotaryTable? _rotary;

    public TensorLoader(
        ITensorStore store, ModelConfig config, KernelSet kernels, ModelManifest? manifest, RotaryTable? rotary, CancellationToken cancellationToken)
    {
        _store = store;
        Config = config;
        _family = ModelFamily.ByName(config.Family);
        _kernels = kernels;
        _manifest = manifest;
        _rotary = rotary;
        _cancellationToken = cancellationToken;
    }

    public ModelConfig Config { get; }

    public ModelFamily Family => _family;

    /// <summary>Stored bytes of the tensors loaded so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>The rotary table, which all blocks share.</summary>
    public RotaryTable Rotary => _rotary ??= new RotaryTable(Config.Rotary.Layout, RotaryFrequencies.Make(Config.Rotary, StoredFactors()));

    /// <summary>A matrix [rows, columns] in the kernels' form.</summary>
    public WeightMatrix Matrix(TensorRole role, int block, int rows, int columns)
    {
        TensorInfo tensor = Find(role, block);
        if (tensor.Shape is not [var seenRows, var seenColumns] || seenRows != rows || seenColumns != columns)
            throw new ModelException(ModelError.CorruptModel, $"tensor {tensor.Name} has shape {tensor.ShapeText}, expected [{rows}, {columns}]");
        if (tensor.Format is not { } format)
            throw new ModelException(ModelError.UnsupportedModel, $"tensor {tensor.Name} has type {tensor.StoredType}, which no kernel reads");
        WeightMatrix matrix = _kernels.Pack(format, rows, columns, (firstRow, rowCount) => _store.Rows(tensor, firstRow, rowCount));
        _matrices.Add(matrix);
        _store.Release(tensor);
        return matrix;
    }

    /// <summary>A vector of norms' weights or a bias.</summary>
    public float[] Vector(TensorRole role, int block, int length)
    {
        TensorInfo tensor = Find(role, block);
        if (tensor.Shape is not [var seen] || seen != length)
            throw new ModelException(ModelError.CorruptModel, $"tensor {tensor.Name} has shape {tensor.ShapeText}, expected [{length}]");
        float[] values = _store.ReadVector(tensor.Name);
        _store.Release(tensor);
        return values;
    }

    /// <summary>A linear map of a block.</summary>
    public Projection Projection(TensorRole weights, TensorRole? bias, int block, int outputs, int inputs) =>
        new(Matrix(weights, block, outputs, inputs), bias is { } role ? Vector(role, block, outputs) : []);

    /// <summary>Frees what was loaded so far, after a failure.</summary>
    public void DisposeLoaded() => _matrices.ForEach(matrix => matrix.Dispose());

    private TensorInfo Find(TensorRole role, int block)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        string name = _family.TensorName(Config.Naming, role, block);
        if (!_store.TryGet(name, out TensorInfo tensor))
            throw new ModelException(ModelError.CorruptModel, $"tensor {name} is missing");
        _manifest?.Verify(_store, tensor);
        BytesRead += tensor.ByteLength;
        return tensor;
    }

    private float[] StoredFactors()
    {
        if (Config.Rotary.Scaling != RotaryScaling.StoredFactors)
            return [];
        float[] factors = Vector(TensorRole.RotaryFactors, 0, Config.Rotary.Dimension / 2);
        int bad = Array.FindIndex(factors, factor => !(factor > 0) || !float.IsFinite(factor));
        if (bad >= 0)
        {
            throw new ModelException(
                ModelError.CorruptModel,
                $"tensor {_family.TensorName(Config.Naming, TensorRole.RotaryFactors)}: value {bad} is {factors[bad]}, expected a positive number");
        }

        return factors;
    }
}
