using Swarm.Kernels;
using Swarm.Models.Blocks;
using Swarm.Models.Families;
using Swarm.Models.Files;
using Swarm.Models.Templates;
using Swarm.Models.Tokenizers;

namespace Swarm.Models;

/// <summary>
/// A model as it lies on disk (or is made from a seed): its tensors, its configuration and what a tokenizer is made from. Nothing beyond headers is read until it is asked for.
/// </summary>
public sealed class ModelSource : IDisposable
{
    /// <summary>The model that comes with the program.</summary>
    public const string DefaultName = "smollm2-135m-instruct";

    private readonly ModelDescription? _description;
    private readonly Lazy<ModelConfig> _config;
    // In the order of the file; a model with experts has tens of thousands, and each name is taken apart once.
    private readonly Lazy<(TensorInfo Tensor, int Block)[]> _blockTensors;
    private readonly Lazy<ITensorStore> _tensors;
    private readonly Lazy<Tokenizer?> _tokenizer;
    private readonly Lazy<string?> _chatTemplateText;
    private readonly Lazy<ChatTemplate?> _chatTemplate;

    private ModelSource(string name, string path, ModelDescription? description, Func<ITensorStore> tensors, Func<ModelConfig> config)
    {
        Name = name;
        Location = path;
        _description = description;
        _blockTensors = new Lazy<(TensorInfo, int)[]>(() => [.. Tensors.Tensors.Select(tensor => (tensor, Block: BlockOf(tensor) ?? -1)).Where(placed => placed.Block >= 0)]);
        _tensors = new Lazy<ITensorStore>(tensors);
        _config = new Lazy<ModelConfig>(config);
        _tokenizer = new Lazy<Tokenizer?>(ReadTokenizer);
        _chatTemplateText = new Lazy<string?>(() => description?.ReadChatTemplateText());
        _chatTemplate = new Lazy<ChatTemplate?>(() => ChatTemplateText is { } text ? ChatTemplate.Parse(text) : null);
    }

    /// <summary>A name for people.</summary>
    public string Name { get; }

    /// <summary>The file or folder, or the random model's specification.</summary>
    public string Location { get; }

    /// <summary>Header of a GGUF file; null for other kinds.</summary>
    public GgufMetadata? Metadata => (_description as GgufDescription)?.Metadata;

    /// <summary>What configuration, tokenizer and template are made from; null for a random model.</summary>
    public ModelDescription? Description => _description;

    /// <summary>The format that float matrices are brought to while they are loaded; null: as the files store them.</summary>
    public WeightFormat? Weights { get; private set; }

    /// <summary>Hashes of all tensors, where they are known without reading them; else null.</summary>
    public ModelManifest? Manifest { get; private set; }

    /// <summary>The model's shape.</summary>
    /// <exception cref="ModelException">CorruptModel, UnsupportedModel, or ModelNotFound where a folder has no config.json.</exception>
    public ModelConfig Config => _config.Value;

    /// <summary>Its tensors.</summary>
    /// <exception cref="ModelException">CorruptModel, UnsupportedModel, or ModelNotFound where a folder has no weights.</exception>
    public ITensorStore Tensors => _tensors.Value;

    /// <summary>Its tokenizer, made when first asked for; null where the model has none.</summary>
    /// <exception cref="ModelException">CorruptModel or UnsupportedModel, naming what is wrong or not known.</exception>
    public Tokenizer? Tokenizer => _tokenizer.Value;

    /// <summary>Its chat template, parsed when first asked for; null where the model has none.</summary>
    /// <exception cref="ModelException">UnsupportedModel: a construct that the interpreter does not have, named. CorruptModel as <see cref="ChatTemplateText"/>.</exception>
    public ChatTemplate? ChatTemplate => _chatTemplate.Value;

    /// <summary>Source text of its chat template; null where the model has none.</summary>
    /// <exception cref="ModelException">CorruptModel: tokenizer_config.json is not JSON, or its chat_template neither text nor a list of named ones.</exception>
    public string? ChatTemplateText => _chatTemplateText.Value;

    /// <summary>Opens a model.</summary>
    /// <param name="model">
    /// A GGUF file, a folder in Hugging Face layout or with one GGUF file, a name under one of the folders, or <c>random:SIZE:FORMAT[:SEED[:WINDOW[/N]]]</c>.
    /// </param>
    /// <param name="modelsFolders">Where names are looked up, in this order.</param>
    /// <exception cref="ModelException">ModelNotFound names the places that were tried; others as the files' readers say.</exception>
    public static ModelSource Open(string model, IEnumerable<string>? modelsFolders = null)
    {
        if (model.StartsWith(RandomModel.Prefix, StringComparison.OrdinalIgnoreCase))
        {
            (ModelConfig config, RandomTensors tensors) = RandomModel.Parse(model);
            return new ModelSource(model, model, null, () => tensors, () => config);
        }

        if (File.Exists(model))
            return OpenFile(model, Path.GetFileNameWithoutExtension(model));
        if (Directory.Exists(model))
            return OpenFolder(model);
        string[] folders = [.. modelsFolders ?? []];

        // A name is one component: nothing like ../x is looked up in the folders.
        if (model.Length > 0 && model == Path.GetFileName(model) && model is not ("." or ".."))
        {
            foreach (string folder in folders)
            {
                string path = Path.Combine(folder, model);
                if (Directory.Exists(path))
                    return OpenFolder(path);
                if (File.Exists(path + ".gguf"))
                    return OpenFile(path + ".gguf", model);
            }
        }

        string places = folders.Length == 0 ? "" : $", nor is it in {string.Join(", ", folders)}";
        string hub = IsHubName(model) ? $"; if it is a name on the hub, 'swarm pull {model}' brings it" : "";
        throw new ModelException(ModelError.ModelNotFound, $"model {model}: there is no such file or folder{places}{hub}");
    }

    /// <summary>A model whose parts are not files beside each other: its tensors come from wherever the store has them. Takes the store over.</summary>
    /// <param name="name">For people.</param>
    /// <param name="location">Where it comes from, for messages.</param>
    /// <param name="description">What configuration, tokenizer and template are made from.</param>
    /// <param name="tensors">Its tensors; <see cref="ITensorStore.EnsureAsync"/> is called before they are read.</param>
    public static ModelSource FromParts(string name, string location, ModelDescription description, ITensorStore tensors) =>
        new(name, location, description, () => description.Readable(tensors), () => description.ReadConfig(tensors));

    /// <summary>A model whose tensors are known by a manifest, and come to this machine when they are asked for. Takes the content over.</summary>
    /// <param name="name">For people.</param>
    /// <param name="location">Where it comes from, for messages.</param>
    /// <param name="description">What configuration, tokenizer and template are made from.</param>
    /// <param name="manifest">Its tensors.</param>
    /// <param name="content">Where their bytes are.</param>
    /// <exception cref="ModelException">CorruptModel or UnsupportedModel: a tensor's shape or type makes no sense.</exception>
    public static ModelSource FromContent(string name, string location, ModelDescription description, ModelManifest manifest, ITensorContent content)
    {
        ModelSource? source = null;
        source = FromParts(name, location, description, new ContentTensors(manifest, description.FindType, content, tensor => source!.BlockOf(tensor)));
        source.Manifest = manifest;
        return source;
    }

    /// <summary>The same model with weights in float32, which takes this one over. For measuring.</summary>
    public ModelSource InFloat32() => WithTensors($"{Name} in float32", tensors => new FloatTensors(tensors));

    /// <summary>The same model with its tensors seen through another store, which takes them over as the result takes over this one.</summary>
    /// <param name="name">For people.</param>
    /// <param name="through">Made when tensors are first asked for.</param>
    public ModelSource WithTensors(string name, Func<ITensorStore, ITensorStore> through) =>
        new(name, Location, _description, () => through(Tensors), () => Config) { Weights = Weights };

    /// <summary>Path of a file of the model's folder, such as tokenizer.json; null where it is absent or the model is no folder.</summary>
    public string? FindFile(string fileName)
    {
        string path = Path.Combine(Location, fileName);
        return Directory.Exists(Location) && File.Exists(path) ? path : null;
    }

    /// <summary>The same model with its float matrices quantized while they are loaded; takes this one over.</summary>
    /// <param name="weights">Q8_0 or Q4_0; null: as the files store them.</param>
    /// <exception cref="ModelException">InvalidArgument: another format.</exception>
    public ModelSource WithWeights(WeightFormat? weights)
    {
        if (weights is { } format && !WeightPlan.Choices.Contains(format))
        {
            throw new ModelException(
                ModelError.InvalidArgument,
                $"weights: {WeightFormats.Name(format)}, expected {string.Join(" or ", WeightPlan.Choices.Select(WeightFormats.Name))}");
        }

        var copy = (ModelSource)MemberwiseClone();
        copy.Weights = weights;
        return copy;
    }

    /// <summary>The same model with its manifest, which was made from its files before; takes this one over.</summary>
    public ModelSource WithManifest(ModelManifest manifest)
    {
        var copy = (ModelSource)MemberwiseClone();
        copy.Manifest = manifest;
        return copy;
    }

    /// <summary>
    /// This model in the format of weights that gives an identity: its own where one is chosen, else any. Null where none does: the files, the configuration or the arithmetic
    /// are others.
    /// </summary>
    /// <param name="manifest">The model's tensors.</param>
    /// <param name="numericsClass">Name of the kernels' arithmetic.</param>
    /// <param name="identity">32 bytes.</param>
    public ModelSource? As(ModelManifest manifest, string numericsClass, ReadOnlySpan<byte> identity)
    {
        if (ModelIdentity.Compute(Config, manifest, numericsClass, Weights).ToBytes().AsSpan().SequenceEqual(identity))
            return this;
        foreach (WeightFormat format in Weights is null ? WeightPlan.Choices : [])
        {
            if (ModelIdentity.Compute(Config, manifest, numericsClass, format).ToBytes().AsSpan().SequenceEqual(identity))
                return WithWeights(format);
        }

        return null;
    }

    /// <summary>Bytes of memory that the weights of a span's blocks take once they are loaded.</summary>
    public long HeldBytes(BlockSpan span) => BlockTensors(span).Sum(HeldBytes);

    /// <summary>The same of a block.</summary>
    public long HeldBytes(int block) => HeldBytes(new BlockSpan(block, block + 1));

    /// <summary>The same of the model's ends.</summary>
    public long HeldBytes(EndParts parts) => TensorsOf(parts).Sum(HeldBytes);

    /// <summary>The format that a tensor's values are held in once they are loaded; null where no kernel reads it.</summary>
    public WeightFormat? HeldFormat(TensorInfo tensor) => tensor is { Format: { } format, Shape.Count: >= 2 }
        ? WeightPlan.Held(Weights, ModelFamily.ByName(Config.Family).RoleOf(Config.Naming, tensor.Name), format, tensor.Columns)
        : tensor.Format;

    /// <summary>Bytes of memory that a tensor takes once it is loaded.</summary>
    public long HeldBytes(TensorInfo tensor) => HeldFormat(tensor) is { } held && tensor is { Shape.Count: >= 2, Columns: > 0 }
        ? WeightFormats.HeldBytes(held, tensor.Rows, checked((int)tensor.Columns))
        : tensor.ByteLength;

    /// <summary>Stored bytes of a block's tensors.</summary>
    public long StoredBytes(int block) => StoredBytes(new BlockSpan(block, block + 1));

    /// <summary>Stored bytes of the tensors of a span's blocks.</summary>
    public long StoredBytes(BlockSpan span) => BlockTensors(span).Sum(tensor => tensor.ByteLength);

    /// <summary>Stored bytes of what <see cref="ModelEnds.Load"/> reads for these parts.</summary>
    public long StoredBytes(EndParts parts) => TensorsOf(parts).Sum(tensor => tensor.ByteLength);

    /// <summary>The tensors that <see cref="BlockStack.Load"/> reads for a span: those of its blocks, and those that all blocks share.</summary>
    public IReadOnlyList<TensorInfo> TensorsOf(BlockSpan span)
    {
        TensorInfo? factors = Config.Rotary.Scaling == RotaryScaling.StoredFactors ? Find(TensorRole.RotaryFactors) : null;
        return [.. factors is null ? [] : new[] { factors }, .. BlockTensors(span)];
    }

    /// <summary>The tensors that <see cref="ModelEnds.Load"/> reads for these parts.</summary>
    public IReadOnlyList<TensorInfo> TensorsOf(EndParts parts)
    {
        parts = ModelEnds.Needed(Config, parts);
        var roles = new List<TensorRole>();
        if (parts.HasFlag(EndParts.Embedding))
            roles.AddRange([TensorRole.Embedding, TensorRole.PositionEmbedding, TensorRole.EmbeddingNorm, TensorRole.EmbeddingNormBias]);
        if (parts.HasFlag(EndParts.Head))
            roles.AddRange([TensorRole.FinalNorm, TensorRole.FinalNormBias]);
        if (parts.HasFlag(EndParts.Head) && !Config.TiedEnds)
            roles.AddRange([TensorRole.Head, TensorRole.HeadBias]);

        return [.. roles.Select(Find).OfType<TensorInfo>()];
    }

    /// <summary>The block that a tensor belongs to, or null for the model's ends.</summary>
    public int? BlockOf(TensorInfo tensor)
    {
        // Scales of 8-bit floats lie beside what they scale.
        string? suffix = Float8Tensors.ScaleSuffixes.FirstOrDefault(end => tensor.Name.EndsWith(end, StringComparison.Ordinal));
        string name = suffix is null ? tensor.Name : tensor.Name[..^suffix.Length];
        return ModelFamily.ByName(Config.Family).BlockOf(Config.Naming, name);
    }

    /// <summary>Unmaps the files.</summary>
    public void Dispose()
    {
        if (_tensors.IsValueCreated)
            _tensors.Value.Dispose();
    }

    private static bool IsHubName(string model) =>
        model.Split('/') is [{ Length: > 0 } maker, { Length: > 0 } name] && !maker.StartsWith('.') && !name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);

    // Where there is a model beside the tokenizer, each of its ordinary tokens has a row there. Fewer tokens than rows are usual: the rest is padding. Added tokens without a row, which
    // some models have for pictures, are refused when they are met.
    private Tokenizer? ReadTokenizer()
    {
        Tokenizer? tokenizer = _description?.ReadTokenizer();
        if (tokenizer is null || TryReadConfig() is not { } config || tokenizer.OrdinarySize <= config.Vocabulary)
            return tokenizer;
        throw new ModelException(
            ModelError.CorruptModel, $"{Location}: the tokenizer has {tokenizer.OrdinarySize} tokens, the model {config.Vocabulary} rows of its vocabulary; expected at most as many tokens");
    }

    private ModelConfig? TryReadConfig()
    {
        try
        {
            return Config;
        }
        catch (ModelException)
        {
            // A tokenizer without a model, or with one of an unknown family: whoever needs the model is told.
            return null;
        }
    }

    private IEnumerable<TensorInfo> BlockTensors(BlockSpan span) =>
        _blockTensors.Value.Where(placed => span.Contains(placed.Block)).Select(placed => placed.Tensor);

    // Null where the file lacks it: loading says so.
    private TensorInfo? Find(TensorRole role)
    {
        try
        {
            return ModelFamily.ByName(Config.Family).TryFind(Tensors, Config.Naming, role, 0, out TensorInfo tensor) ? tensor : null;
        }
        catch (ModelException exception) when (exception.Error == ModelError.ModelNotFound)
        {
            // It lies in a file that is not here, which matters only to who loads it.
            return null;
        }
    }

    private static ModelSource OpenFile(string path, string name)
    {
        GgufFile file = GgufFile.Open(path);
        if (SplitGguf.ReadName(path) is null && !(file.Metadata.TryGetInteger("split.count", out long parts) && parts > 1))
            return OpenFile(file, file.Metadata, path, name);
        file.Dispose();
        SplitGguf split = SplitGguf.Open(path);
        return OpenFile(split, split.Metadata, path, SplitGguf.ReadName(name + ".gguf")?.Stem ?? name);
    }

    internal static ModelSource OpenFile(ITensorStore file, GgufMetadata metadata, string path, string name)
    {
        var source = FromParts(name, path, new GgufDescription(metadata, path), file);
        _ = source.Tensors;
        return source;
    }

    private static ModelSource OpenFolder(string folder)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        if (!File.Exists(Path.Combine(folder, "config.json")) && !File.Exists(Path.Combine(folder, "tokenizer.json")))
        {
            string[] files = Directory.GetFiles(folder, "*.gguf");
            Array.Sort(files, StringComparer.Ordinal);

            // The parts of one model are one.
            if (files.Length == 1 || (files.Length > 1 && SplitGguf.ReadName(files[0]) is { } split && Array.TrueForAll(files, file => SplitGguf.ReadName(file) == split)))
                return OpenFile(files[0], name);
            throw new ModelException(
                ModelError.ModelNotFound, $"folder {folder} has {files.Length} GGUF files and no config.json or tokenizer.json, expected one of these");
        }

        var description = HuggingFaceDescription.OfFolder(folder);
        return new ModelSource(name, folder, description, () => description.Readable(OpenStored(folder)), () => description.ReadConfig());
    }

    private static ITensorStore OpenStored(string folder)
    {
        string single = Path.Combine(folder, "model.safetensors");
        string index = single + ".index.json";
        if (File.Exists(index))
            return ShardedSafetensors.Open(index);
        return File.Exists(single)
            ? SafetensorsFile.Open(single)
            : throw new ModelException(ModelError.ModelNotFound, $"folder {folder} has no model.safetensors or model.safetensors.index.json");
    }
}
