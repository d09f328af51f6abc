using System.Text;
using System.Text.Json;
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

    private readonly Lazy<ModelConfig> _config;
    private readonly Lazy<ITensorStore> _tensors;
    private readonly Lazy<Tokenizer?> _tokenizer;
    private readonly Lazy<string?> _chatTemplateText;
    private readonly Lazy<ChatTemplate?> _chatTemplate;

    private ModelSource(string name, string path, GgufMetadata? metadata, Func<ITensorStore> tensors, Func<ModelConfig> config)
    {
        Name = name;
        Location = path;
        Metadata = metadata;
        _tensors = new Lazy<ITensorStore>(tensors);
        _config = new Lazy<ModelConfig>(config);
        _tokenizer = new Lazy<Tokenizer?>(ReadTokenizer);
        _chatTemplateText = new Lazy<string?>(ReadChatTemplateText);
        _chatTemplate = new Lazy<ChatTemplate?>(() => ChatTemplateText is { } text ? ChatTemplate.Parse(text) : null);
    }

    /// <summary>A name for people.</summary>
    public string Name { get; }

    /// <summary>The file or folder, or the random model's specification.</summary>
    public string Location { get; }

    /// <summary>Header of a GGUF file; null for other kinds.</summary>
    public GgufMetadata? Metadata { get; }

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
    /// A GGUF file, a folder in Hugging Face layout or with one GGUF file, a name under one of the folders, or <c>random:SIZE:FORMAT[:SEED]</c>.
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
        throw new ModelException(ModelError.ModelNotFound, $"model {model}: there is no such file or folder{places}");
    }

    /// <summary>The same model with weights in float32, which takes this one over. For measuring.</summary>
    public ModelSource InFloat32() => new($"{Name} in float32", Location, Metadata, () => new FloatTensors(Tensors), () => Config);

    /// <summary>Path of a file of the model's folder, such as tokenizer.json; null where it is absent or the model is no folder.</summary>
    public string? FindFile(string fileName)
    {
        string path = Path.Combine(Location, fileName);
        return Directory.Exists(Location) && File.Exists(path) ? path : null;
    }

    /// <summary>Stored bytes of a block's tensors.</summary>
    public long StoredBytes(int block) => StoredBytes(new BlockSpan(block, block + 1));

    /// <summary>Stored bytes of the tensors of a span's blocks.</summary>
    public long StoredBytes(BlockSpan span)
    {
        long bytes = 0;
        foreach (TensorInfo tensor in Tensors.Tensors)
        {
            if (BlockOf(tensor) is { } block && span.Contains(block))
                bytes += tensor.ByteLength;
        }

        return bytes;
    }

    /// <summary>Stored bytes of what <see cref="ModelEnds.Load"/> reads for these parts.</summary>
    public long StoredBytes(EndParts parts)
    {
        ModelFamily family = ModelFamily.ByName(Config.Family);
        parts = ModelEnds.Needed(Config, parts);
        long BytesOf(TensorRole role) => Tensors.TryGet(family.TensorName(Config.Naming, role), out TensorInfo tensor) ? tensor.ByteLength : 0;
        long bytes = parts.HasFlag(EndParts.Embedding) ? BytesOf(TensorRole.Embedding) : 0;
        if (parts.HasFlag(EndParts.Head))
            bytes += BytesOf(TensorRole.FinalNorm) + (Config.TiedEnds ? 0 : BytesOf(TensorRole.Head));
        return bytes;
    }

    /// <summary>The block that a tensor belongs to, or null for the model's ends.</summary>
    public int? BlockOf(TensorInfo tensor) => ModelFamily.ByName(Config.Family).BlockOf(Config.Naming, tensor.Name);

    /// <summary>Unmaps the files.</summary>
    public void Dispose()
    {
        if (_tensors.IsValueCreated)
            _tensors.Value.Dispose();
    }

    private Tokenizer? ReadTokenizer()
    {
        if (Metadata is not null)
            return TokenizerLoader.FromGguf(Metadata);
        if (FindFile("tokenizer.json") is not { } path)
            return null;
        string? configPath = FindFile("tokenizer_config.json");
        return TokenizerLoader.FromTokenizerJson(JsonFile.ReadBytes(path), configPath is null ? default : JsonFile.ReadBytes(configPath));
    }

    private string? ReadChatTemplateText()
    {
        if (Metadata is not null)
            return Metadata.TryGetString("tokenizer.chat_template", out string text) ? text : null;

        // A file of its own is the newer place; where there are both it counts.
        if (FindFile("chat_template.jinja") is { } templatePath)
            return Encoding.UTF8.GetString(JsonFile.ReadBytes(templatePath));
        if (FindFile("tokenizer_config.json") is not { } configPath)
            return null;
        using JsonDocument config = JsonFile.Read(configPath);
        if (!config.RootElement.TryGetProperty("chat_template", out JsonElement template) || template.ValueKind == JsonValueKind.Null)
            return null;
        if (template.ValueKind == JsonValueKind.Array)
            template = template.EnumerateArray().FirstOrDefault(IsDefaultTemplate) is { ValueKind: JsonValueKind.Object } named ? named.GetProperty("template") : default;
        return template.ValueKind == JsonValueKind.String
            ? template.GetString()
            : throw new ModelException(ModelError.CorruptModel, $"{configPath}: chat_template is {template.ValueKind}, expected text or a list with one named default");
    }

    private static bool IsDefaultTemplate(JsonElement item) =>
        item.ValueKind == JsonValueKind.Object
        && item.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String && name.GetString() == "default"
        && item.TryGetProperty("template", out _);

    private static ModelSource OpenFile(string path, string name)
    {
        return OpenFile(GgufFile.Open(path), path, name);
    }

    internal static ModelSource OpenFile(GgufFile file, string path, string name)
    {
        var source = new ModelSource(name, path, file.Metadata, () => file, () => ReadGgufConfig(file, path));
        _ = source.Tensors;
        return source;
    }

    private static ModelSource OpenFolder(string folder)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        if (!File.Exists(Path.Combine(folder, "config.json")) && !File.Exists(Path.Combine(folder, "tokenizer.json")))
        {
            string[] files = Directory.GetFiles(folder, "*.gguf");
            if (files.Length == 1)
                return OpenFile(files[0], name);
            throw new ModelException(
                ModelError.ModelNotFound, $"folder {folder} has {files.Length} GGUF files and no config.json or tokenizer.json, expected one of these");
        }

        return new ModelSource(name, folder, null, () => OpenWeights(folder), () => ReadFolderConfig(folder));
    }

    private static ITensorStore OpenWeights(string folder)
    {
        string single = Path.Combine(folder, "model.safetensors");
        string index = single + ".index.json";
        if (File.Exists(index))
            return ShardedSafetensors.Open(index);
        return File.Exists(single)
            ? SafetensorsFile.Open(single)
            : throw new ModelException(ModelError.ModelNotFound, $"folder {folder} has no model.safetensors or model.safetensors.index.json");
    }

    private static ModelConfig ReadFolderConfig(string folder)
    {
        string path = Path.Combine(folder, "config.json");
        using JsonDocument config = JsonFile.Read(path);
        string generationPath = Path.Combine(folder, "generation_config.json");
        using JsonDocument? generation = File.Exists(generationPath) ? JsonFile.Read(generationPath) : null;
        return ReadHuggingFaceConfig(config.RootElement, path, generation is null ? null : new JsonFields(generation.RootElement, generationPath));
    }

    internal static ModelConfig ReadHuggingFaceConfig(JsonElement root, string path, JsonFields? generation)
    {
        var fields = new JsonFields(root, path);

        // Weights quantized by another library lie under other names: say so, rather than that a tensor is missing.
        if (fields.Object("quantization_config") is { } quantization)
        {
            throw new ModelException(
                ModelError.UnsupportedModel, $"{path}: weights quantized by {quantization.Text("quant_method", "an unnamed method")}, expected float weights");
        }

        return ModelFamily.ByHuggingFaceType(fields.Text("model_type"), path).ReadHuggingFace(fields, generation);
    }

    private static ModelConfig ReadGgufConfig(GgufFile file, string path)
    {
        if (!file.Metadata.TryGetString("general.architecture", out string architecture))
            throw new ModelException(ModelError.CorruptModel, $"{path}: general.architecture is missing, expected a string");
        ModelFamily family = ModelFamily.ByGgufArchitecture(architecture, path);
        return family.ReadGguf(new GgufFields(file.Metadata, architecture, path), file);
    }
}
