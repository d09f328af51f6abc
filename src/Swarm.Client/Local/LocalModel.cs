using Swarm.Kernels;
using Swarm.Models;
using Swarm.Models.Blocks;

namespace Swarm.Client;

/// <summary>A model whose blocks are in this process: the same generator, sessions and figures as through a swarm, without a network.</summary>
public sealed class LocalModel : LanguageModel
{
    private readonly KernelSet _kernels;

    private LocalModel(LocalModelOptions options, ModelEnds ends, LocalBlockChain chain)
        : base(options.Source, ends, chain, options.Context, options.Time, chain.Device)
    {
        _kernels = options.Kernels;
        Blocks = chain.Stack;
    }

    /// <summary>The loaded blocks, for measuring.</summary>
    public BlockStack Blocks { get; }

    /// <summary>Loads the whole model, bringing its tensors to this machine first where they are not here.</summary>
    /// <exception cref="ModelException">What is wrong with its files, or with fetching them.</exception>
    public static async Task<LocalModel> LoadAsync(LocalModelOptions options, CancellationToken cancellationToken = default)
    {
        ModelSource source = options.Source;
        await source.Tensors.EnsureAsync(
            [.. source.TensorsOf(EndParts.Both), .. source.TensorsOf(source.Config.AllBlocks)], options.Fetched, cancellationToken);
        return Load(options, cancellationToken);
    }

    /// <summary>Loads the whole model, all of whose tensors are on this machine.</summary>
    /// <exception cref="ModelException">What is wrong with its files.</exception>
    public static LocalModel Load(LocalModelOptions options, CancellationToken cancellationToken = default)
    {
        ModelConfig config = options.Source.Config;
        ModelEnds ends = ModelEnds.Load(options.Source, options.Kernels, cancellationToken: cancellationToken);
        try
        {
            BlockStack stack = BlockStack.Load(
                options.Source, config.AllBlocks, options.Kernels,
                options.Progress is { } report ? progress => report(progress.Done, progress.Of) : null,
                cancellationToken: cancellationToken);
            var pool = new KvPool(options.CacheBytes ?? long.MaxValue, stack.KvLayout);
            return new LocalModel(options, ends, new LocalBlockChain(stack, pool, options.Time));
        }
        catch
        {
            ends.Dispose();
            throw;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _kernels.Dispose();
    }
}
