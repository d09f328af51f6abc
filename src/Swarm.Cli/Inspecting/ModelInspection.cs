using Swarm.Cli.Framework;
using Swarm.Models;
using Swarm.Models.Files;

namespace Swarm.Cli.Inspecting;

/// <summary>What 'swarm inspect' finds out about a model.</summary>
internal sealed class ModelInspection
{
    private ModelInspection(ModelSource source)
    {
        Source = source;
        Blocks = [.. Enumerable.Range(0, source.Config.Blocks).Select(_ => new ModelPart())];
        foreach (TensorInfo tensor in source.Tensors.Tensors)
        {
            Parameters += ParametersOf(tensor);
            (source.BlockOf(tensor) is { } block && block < Blocks.Count ? Blocks[block] : Ends).Add(source, tensor);
        }
    }

    public ModelSource Source { get; }

    public ModelConfig Config => Source.Config;

    /// <summary>Everything outside of the blocks.</summary>
    public ModelPart Ends { get; } = new();

    public IReadOnlyList<ModelPart> Blocks { get; }

    /// <summary>Values of all tensors, scales of others not counted.</summary>
    public long Parameters { get; }

    /// <summary>Null where parts of the model are not on this machine.</summary>
    public ModelIdentity? Identity { get; private set; }

    /// <summary>What is not on this machine, for people; null where all is.</summary>
    public string? Missing { get; private set; }

    public long StoredBytes => Ends.StoredBytes + Blocks.Sum(block => block.StoredBytes);

    public long HeldBytes => Ends.HeldBytes + Blocks.Sum(block => block.HeldBytes);

    /// <summary>Looks at a model; reads all of it once, for its identity, if it is here.</summary>
    /// <exception cref="ModelException">What is wrong with its files.</exception>
    public static ModelInspection Make(ModelSource source, string numericsClass, CancellationToken cancellationToken)
    {
        var inspection = new ModelInspection(source);
        if (source.Manifest is { } known)
        {
            inspection.Identity = ModelIdentity.Compute(source.Config, known, numericsClass, source.Weights);
            return inspection;
        }

        long missing = source.Tensors.MissingBytes(source.Tensors.Tensors);
        if (missing > 0)
        {
            inspection.Missing = $"{Sizes.Bytes(missing)} are on the hub only";
            return inspection;
        }

        try
        {
            source.Tensors.CheckComplete();
        }
        catch (ModelException exception) when (exception.Error == ModelError.ModelNotFound)
        {
            inspection.Missing = exception.Message;
            return inspection;
        }

        ModelManifest manifest = ModelManifest.Create(source.Tensors, null, cancellationToken);
        inspection.Identity = ModelIdentity.Compute(source.Config, manifest, numericsClass, source.Weights);
        return inspection;
    }

    private static long ParametersOf(TensorInfo tensor) =>
        tensor.Name.EndsWith("_scale_inv", StringComparison.Ordinal) ? 0 : tensor.Shape.Aggregate(1L, (product, length) => product * length);
}
