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
    private readonly WeightFormat? _weights;
    private readonly ModelManifest? _manifest;
    private readonly CancellationToken _cancellationToken;
    private readonly List<WeightMatrix> _matrices = [];
    private readonly HashSet<string> _verified = [];
    private readonly TransposedTensor _transposed;

    public TensorLoader(ModelSource source, KernelSet kernels, ModelManifest? manifest, RotaryTables? rotary, CancellationToken cancellationToken)
    {
        ITensorStore store = source.Tensors;
        _store = store;
        Config = source.Config;
        _family = ModelFamily.ByName(Config.Family);
        _kernels = kernels;
        _weights = source.Weights;
        _manifest = manifest;
        _transposed = new TransposedTensor(store);
        RotaryTables = rotary ?? new RotaryTables();
        _cancellationToken = cancellationToken;
    }

    public ModelConfig Config { get; }

    public ModelFamily Family => _family;

    /// <summary>Stored bytes of the tensors loaded so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>The rotary tables, which all blocks share.</summary>
    public RotaryTables RotaryTables { get; }

    /// <summary>The rotary table of a block; null where nothing turns.</summary>
    public RotaryTable? Rotary(int block) =>
        Config.Block(block).Rotary is { Dimension: > 0 } rotary ? RotaryTables.Get(rotary, StoredFactors) : null;

    /// <summary>Whether the model has a tensor of that role.</summary>
    public bool Has(TensorRole role, int block) => _family.TryFind(_store, Config.Naming, role, block, out _);

    /// <summary>How a tensor is stored; null for types that no kernel reads.</summary>
    public WeightFormat? FormatOf(TensorRole role, int block) => _family.TryFind(_store, Config.Naming, role, block, out TensorInfo tensor) ? tensor.Format : null;

    /// <summary>A matrix [rows, columns] in the kernels' form.</summary>
    public WeightMatrix Matrix(TensorRole role, int block, int rows, int columns) => Matrix(role, block, RowSlice.All(rows), rows, columns);

    /// <summary>Rows of a stored matrix, or columns of a transposed one, as a matrix [rows, columns] in the kernels' form.</summary>
    /// <param name="role">The stored tensor, of slice.Stored rows in all; the outer of three dimensions count as rows too.</param>
    /// <param name="block">Which block.</param>
    /// <param name="slice">Which rows.</param>
    /// <param name="rows">How many.</param>
    /// <param name="columns">Columns.</param>
    public WeightMatrix Matrix(TensorRole role, int block, RowSlice slice, int rows, int columns)
    {
        TensorInfo tensor = Find(role, block, slice.Expert);
        IReadOnlyList<long> expected = slice.ShapeOf(columns);
        if (!tensor.Shape.SequenceEqual(expected))
            throw new ModelException(ModelError.CorruptModel, $"tensor {tensor.Name} has shape {tensor.ShapeText}, expected [{string.Join(", ", expected)}]");
        if (tensor.Format is not { } format)
            throw new ModelException(ModelError.UnsupportedModel, $"tensor {tensor.Name} has type {tensor.StoredType}, which no kernel reads");
        if (slice.Transposed && WeightFormats.GroupLength(format) > 1)
            throw new ModelException(ModelError.UnsupportedModel, $"tensor {tensor.Name} is stored transposed in {tensor.StoredType}, expected F32, F16 or BF16");
        RowReader reader = slice.Transposed ? _transposed.Reader(tensor, slice, columns) : slice.Reader(_store, tensor, rows, WeightFormats.RowBytes(format, columns));
        WeightFormat held = WeightPlan.Held(_weights, role, format, columns);
        if (held != format)
            reader = new QuantizedRows(tensor.Name, reader, format, held, rows, columns, _kernels.Threads).Read;
        WeightMatrix matrix = _kernels.Pack(held, rows, columns, reader);
        _matrices.Add(matrix);
        BytesRead += tensor.ByteLength / (slice.Stored * (long)slice.Matrices) * rows;
        _store.Release(tensor);
        return matrix;
    }

    /// <summary>Some rows of a stored matrix [stored, length] as the columns of another: [length, rows].</summary>
    /// <param name="role">The stored tensor.</param>
    /// <param name="block">Which block.</param>
    /// <param name="stored">Its rows.</param>
    /// <param name="first">The first that is taken.</param>
    /// <param name="rows">How many.</param>
    /// <param name="length">Values of a row.</param>
    public Projection TurnedProjection(TensorRole role, int block, int stored, int first, int rows, int length)
    {
        TensorInfo tensor = Find(role, block, 0);
        if (!tensor.Shape.SequenceEqual([stored, length]))
            throw new ModelException(ModelError.CorruptModel, $"tensor {tensor.Name} has shape {tensor.ShapeText}, expected [{stored}, {length}]");
        if (tensor.Format is not { } format)
            throw new ModelException(ModelError.UnsupportedModel, $"tensor {tensor.Name} has type {tensor.StoredType}, which no kernel reads");
        TurnedRows turned = TurnedRows.Read(_store, tensor, format, first, rows, length);
        WeightMatrix matrix = _kernels.Pack(turned.Format, length, rows, turned.Rows);
        _matrices.Add(matrix);
        BytesRead += tensor.ByteLength / stored * rows;
        _store.Release(tensor);
        return new Projection(matrix, []);
    }

    /// <summary>A vector of norms' weights or a bias.</summary>
    public float[] Vector(TensorRole role, int block, int length) => Vector(role, block, RowSlice.All(length), length);

    /// <summary>Some values of a stored vector.</summary>
    public float[] Vector(TensorRole role, int block, RowSlice slice, int length)
    {
        TensorInfo tensor = Find(role, block, slice.Expert);
        long[] expected = slice.Matrices > 1 ? [slice.Matrices, slice.Stored] : [slice.Stored];
        if (!tensor.Shape.SequenceEqual(expected))
            throw new ModelException(ModelError.CorruptModel, $"tensor {tensor.Name} has shape {tensor.ShapeText}, expected [{string.Join(", ", expected)}]");
        float[] values = _store.ReadVector(tensor.Name);
        BytesRead += tensor.ByteLength / values.Length * length;
        _store.Release(tensor);
        if (slice == RowSlice.All(length))
            return values;
        var picked = new float[length];
        for (int i = 0; i < length; i++)
            picked[i] = values[slice.SourceOf(i)];
        return picked;
    }

    /// <summary>A linear map of a block.</summary>
    public Projection Projection(TensorRole weights, TensorRole? bias, int block, int outputs, int inputs) =>
        Projection(weights, bias, block, RowSlice.All(outputs), outputs, inputs);

    /// <summary>A linear map whose weights and bias are some of a stored tensor's.</summary>
    public Projection Projection(TensorRole weights, TensorRole? bias, int block, RowSlice slice, int outputs, int inputs) =>
        new(Matrix(weights, block, slice, outputs, inputs), bias is { } role ? Vector(role, block, slice with { Transposed = false, Grouped = false }, outputs) : []);

    /// <summary>A norm of a block, of the model's kind.</summary>
    /// <param name="weight">Its weights.</param>
    /// <param name="bias">Its biases; read where the kind has them and the model stores them.</param>
    /// <param name="block">Which block.</param>
    /// <param name="width">Values of a row.</param>
    public NormPart Norm(TensorRole weight, TensorRole bias, int block, int width) => new(
        Config.Norm,
        _family.NormWeights(Config.Naming, Vector(weight, block, width)),
        Config.Norm == NormKind.Layer && Has(bias, block) ? Vector(bias, block, width) : [],
        Config.NormEpsilon);

    /// <summary>Frees what was loaded so far, after a failure.</summary>
    public void DisposeLoaded() => _matrices.ForEach(matrix => matrix.Dispose());

    private TensorInfo Find(TensorRole role, int block, int expert)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        if (!_family.TryFind(_store, Config.Naming, role, block, out TensorInfo tensor, expert))
            throw new ModelException(ModelError.CorruptModel, $"tensor {_family.TensorName(Config.Naming, role, block, expert)} is missing");
        if (_manifest is not null && _verified.Add(tensor.Name))
            Verify(_manifest, tensor);
        return tensor;
    }

    // With what its values are made from: scales that differ make another model.
    private void Verify(ModelManifest manifest, TensorInfo tensor)
    {
        manifest.Verify(_store, tensor);
        foreach (TensorInfo companion in _store.Companions(tensor))
            manifest.Verify(_store, companion);
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
