using System.Globalization;
using Swarm.Models.Blocks;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>
/// What is particular to one family of models: how its configuration is written, what its tensors are called, and of which parts a block is made. Everything
/// else is shared. docs/dev/add-a-model-family.md is the recipe for another.
/// </summary>
internal abstract class ModelFamily
{
    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> NoNames = [];
    private static readonly ModelFamily[] All =
    [
        new LlamaFamily(), new MistralFamily(), new Qwen2Family(), new Qwen3Family(), new Olmo2Family(), new GemmaFamily(), new Gemma2Family(), new Gemma3Family(), new PhiFamily(),
        new Phi3Family(), new GptNeoxFamily(), new BloomFamily(), new Gpt2Family(), new FalconFamily(), new MixtralFamily(), new Qwen3MoeFamily(),
        new Glm4MoeFamily(), new DeepSeekFamily(), new DeepSeekV2Family(), new GptOssFamily(),
    ];

    /// <summary>Name in <see cref="ModelConfig.Family"/>.</summary>
    public abstract string Name { get; }

    /// <summary>Values of config.json's <c>model_type</c> that it reads.</summary>
    public abstract IReadOnlyList<string> HuggingFaceTypes { get; }

    /// <summary>Values of GGUF's <c>general.architecture</c> that it reads.</summary>
    public abstract IReadOnlyList<string> GgufArchitectures { get; }

    /// <summary>Names of its tensors: transformers', GGUF's; {0} stands for the block, {1} for the expert; empty where files have none.</summary>
    protected abstract IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames { get; }

    public static ModelFamily ByName(string name) =>
        All.FirstOrDefault(family => family.Name == name)
        ?? throw new ModelException(ModelError.UnsupportedModel, $"model family {name}, expected one of {string.Join(", ", All.Select(family => family.Name))}");

    public static ModelFamily ByHuggingFaceType(string type, string path) =>
        All.FirstOrDefault(family => family.HuggingFaceTypes.Contains(type))
        ?? throw new ModelException(
            ModelError.UnsupportedModel, $"{path}: model_type {type}, expected one of {string.Join(", ", All.SelectMany(family => family.HuggingFaceTypes))}");

    public static ModelFamily ByGgufArchitecture(string architecture, string path) =>
        All.FirstOrDefault(family => family.GgufArchitectures.Contains(architecture))
        ?? throw new ModelException(
            ModelError.UnsupportedModel,
            $"{path}: general.architecture {architecture}, expected one of {string.Join(", ", All.SelectMany(family => family.GgufArchitectures))}");

    /// <summary>Reads config.json.</summary>
    /// <param name="fields">Its fields.</param>
    /// <param name="generation">Fields of generation_config.json, where there is one: it may name more ids that end a text.</param>
    public abstract ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation);

    /// <summary>Reads GGUF metadata; which optional tensors exist tells what metadata does not say.</summary>
    public abstract ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors);

    /// <summary>Makes one block from its tensors. The configuration says of which parts; a family that has other parts replaces those.</summary>
    public TransformerBlock LoadBlock(TensorLoader loader, int block) =>
        new(loader.Config.Wiring, LoadNorms(loader, block), LoadAttention(loader, block), LoadFeedForward(loader, block));

    /// <summary>What norms multiply with, from what the file has.</summary>
    public virtual float[] NormWeights(TensorNaming naming, float[] stored) => stored;

    /// <summary>The norms of a block, where <see cref="ModelConfig.NormPlacement"/> and <see cref="ModelConfig.Wiring"/> say.</summary>
    protected virtual BlockNorms LoadNorms(TensorLoader loader, int block)
    {
        ModelConfig config = loader.Config;
        bool before = config.NormPlacement is NormPlacement.Before or NormPlacement.Around;
        bool after = config.NormPlacement is NormPlacement.After or NormPlacement.Around;
        return new BlockNorms(
            before ? loader.Norm(TensorRole.AttentionNorm, TensorRole.AttentionNormBias, block, config.Hidden) : null,
            after ? loader.Norm(TensorRole.AttentionPostNorm, TensorRole.AttentionPostNormBias, block, config.Hidden) : null,
            before && config.Wiring != BlockWiring.ParallelSharedNorm
                ? loader.Norm(TensorRole.FeedForwardNorm, TensorRole.FeedForwardNormBias, block, config.Hidden)
                : null,
            after ? loader.Norm(TensorRole.FeedForwardPostNorm, TensorRole.FeedForwardPostNormBias, block, config.Hidden) : null);
    }

    /// <summary>The attention of a block: grouped queries, from tensors of their own or from slices of a joined one.</summary>
    protected virtual AttentionPart LoadAttention(TensorLoader loader, int block)
    {
        ModelConfig config = loader.Config;
        int queryWidth = config.Heads * config.HeadDimension;
        int keyWidth = config.KeyValueHeads * config.HeadDimension;
        JoinedProjections joined = loader.Has(TensorRole.QueryKeyValue, block) ? Joined(config) : default;
        bool norms = config.QueryKeyNorm != QueryKeyNorm.None;
        bool heads = config.QueryKeyNorm == QueryKeyNorm.Head;
        return new GroupedQueryAttention(
            AttentionPart.ShapeOf(config, block) with { Sinks = config.AttentionSinks ? loader.Vector(TensorRole.Sinks, block, config.Heads) : null },
            loader.Rotary(block),
            Load(TensorRole.Query, TensorRole.QueryBias, joined.Query, queryWidth),
            Load(TensorRole.Key, TensorRole.KeyBias, joined.Key, keyWidth),
            Load(TensorRole.Value, TensorRole.ValueBias, joined.Value, keyWidth),
            loader.Projection(
                TensorRole.AttentionOutput, config.AttentionOutputBias ? TensorRole.AttentionOutputBias : null, block,
                RowSlice.All(config.Hidden) with { Transposed = joined.Transposed }, config.Hidden, queryWidth))
        {
            QueryNorm = norms ? loader.Norm(TensorRole.QueryNorm, TensorRole.QueryNormBias, block, heads ? config.HeadDimension : queryWidth) : null,
            KeyNorm = norms ? loader.Norm(TensorRole.KeyNorm, TensorRole.KeyNormBias, block, heads ? config.HeadDimension : keyWidth) : null,
            NormsHeads = heads,
        };

        Projection Load(TensorRole own, TensorRole ownBias, RowSlice? slice, int width) => slice is { } rows
            ? loader.Projection(TensorRole.QueryKeyValue, config.AttentionBias ? TensorRole.QueryKeyValueBias : null, block, rows, width, config.Hidden)
            : loader.Projection(own, config.AttentionBias ? ownBias : null, block, width, config.Hidden);
    }

    /// <summary>The feed-forward part of a block: dense, or of experts.</summary>
    protected virtual FeedForwardPart LoadFeedForward(TensorLoader loader, int block) =>
        loader.Config.Experts is { } experts && experts.In(block)
            ? ExpertLoader.Load(loader, block, experts, ExpertsInterleaved)
            : LoadDense(loader, block, loader.Config.FeedForward);

    /// <summary>Where gates and what they multiply are stored as one, they take turns row by row; else all gates come first.</summary>
    protected virtual bool ExpertsInterleaved => false;

    /// <summary>A dense feed-forward part, gated or plain.</summary>
    /// <param name="loader">Where its tensors come from.</param>
    /// <param name="block">Which block.</param>
    /// <param name="width">Inner values.</param>
    protected FeedForwardPart LoadDense(TensorLoader loader, int block, int width)
    {
        ModelConfig config = loader.Config;
        JoinedProjections joined = Joined(config);
        TensorRole? upBias = config.FeedForwardBias ? TensorRole.UpBias : null;
        if (!config.GatedFeedForward)
        {
            return new PlainFeedForward(
                config.Activation,
                loader.Projection(TensorRole.Up, upBias, block, RowSlice.All(width) with { Transposed = joined.Transposed }, width, config.Hidden),
                Down());
        }

        if (!joined.GateAndUp)
        {
            return new GatedFeedForward(
                config.Activation,
                loader.Projection(TensorRole.Gate, config.FeedForwardBias ? TensorRole.GateBias : null, block, width, config.Hidden),
                loader.Projection(TensorRole.Up, upBias, block, width, config.Hidden),
                Down());
        }

        return new GatedFeedForward(
            config.Activation,
            loader.Projection(TensorRole.Up, upBias, block, RowSlice.Of(2 * width, 0, width), width, config.Hidden),
            loader.Projection(TensorRole.Up, upBias, block, RowSlice.Of(2 * width, width, width), width, config.Hidden),
            Down());

        Projection Down() => loader.Projection(
            TensorRole.Down, config.FeedForwardBias ? TensorRole.DownBias : null, block,
            RowSlice.All(config.Hidden) with { Transposed = joined.Transposed }, config.Hidden, width);
    }

    /// <summary>Which matrices the file stores as one, and how.</summary>
    protected virtual JoinedProjections Joined(ModelConfig config) => default;

    /// <summary>How names of checkpoints may begin instead: the usual beginning, and what stands in its place.</summary>
    protected virtual IReadOnlyList<(string Usual, string Other)> OtherPrefixes => [];

    /// <summary>Other names of some tensors, tried where the usual one is absent.</summary>
    protected virtual IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> OtherNames => NoNames;

    /// <summary>The file's name of a tensor.</summary>
    public string TensorName(TensorNaming naming, TensorRole role, int block = 0, int expert = 0)
    {
        (string huggingFace, string gguf) = TensorNames[role];
        return string.Format(CultureInfo.InvariantCulture, naming == TensorNaming.Gguf ? gguf : huggingFace, block, expert);
    }

    /// <summary>Finds a tensor by what it does, under any of the names that files give it.</summary>
    public bool TryFind(ITensorStore store, TensorNaming naming, TensorRole role, int block, out TensorInfo tensor, int expert = 0)
    {
        return TryFind(TensorNames, store, naming, role, block, expert, out tensor) || TryFind(OtherNames, store, naming, role, block, expert, out tensor);
    }

    private bool TryFind(
        IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> names, ITensorStore store, TensorNaming naming, TensorRole role, int block,
        int expert, out TensorInfo tensor)
    {
        tensor = null!;
        if (!names.TryGetValue(role, out (string HuggingFace, string Gguf) name))
            return false;
        bool gguf = naming == TensorNaming.Gguf;
        string usual = string.Format(CultureInfo.InvariantCulture, gguf ? name.Gguf : name.HuggingFace, block, expert);
        if (store.TryGet(usual, out tensor))
            return true;
        foreach ((string beginning, string other) in gguf ? [] : OtherPrefixes)
        {
            if (usual.StartsWith(beginning, StringComparison.Ordinal) && store.TryGet(string.Concat(other, usual.AsSpan(beginning.Length)), out tensor))
                return true;
        }

        return false;
    }

    /// <summary>The block that a tensor's name belongs to, or null for the ends and for names that the family does not know.</summary>
    public int? BlockOf(TensorNaming naming, string name) => PlaceOf(naming, name)?.Block;

    /// <summary>What a tensor does, or null for names that the family does not know.</summary>
    public TensorRole? RoleOf(TensorNaming naming, string name) => PlaceOf(naming, name)?.Role;

    private (TensorRole Role, int? Block)? PlaceOf(TensorNaming naming, string name)
    {
        if (PlaceOfUsual(naming, name) is { } place)
            return place;
        if (naming != TensorNaming.HuggingFace)
            return null;
        foreach ((string usual, string other) in OtherPrefixes)
        {
            if (name.StartsWith(other, StringComparison.Ordinal) && PlaceOfUsual(naming, string.Concat(usual, name.AsSpan(other.Length))) is { } found)
                return found;
        }

        return null;
    }

    private (TensorRole Role, int? Block)? PlaceOfUsual(TensorNaming naming, string name)
    {
        foreach ((TensorRole role, (string huggingFace, string gguf)) in TensorNames.Concat(OtherNames))
        {
            string pattern = naming == TensorNaming.Gguf ? gguf : huggingFace;
            if (pattern == name)
                return (role, null);
            if (NamePattern.BlockOf(pattern, name) is { } block)
                return (role, block);
        }

        return null;
    }
}
