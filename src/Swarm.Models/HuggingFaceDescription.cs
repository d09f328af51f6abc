using System.Text;
using System.Text.Json;
using Swarm.Models.Families;
using Swarm.Models.Files;
using Swarm.Models.Tokenizers;

namespace Swarm.Models;

/// <summary>Files of a folder in Hugging Face layout.</summary>
/// <param name="place">Names the folder in messages.</param>
/// <param name="find">A file's bytes; null where there is none of the name.</param>
internal sealed class HuggingFaceDescription(string place, Func<string, byte[]?> find) : ModelDescription
{
    public static HuggingFaceDescription OfFolder(string folder) => new(folder, name =>
    {
        string path = Path.Combine(folder, name);
        return File.Exists(path) ? JsonFile.ReadBytes(path) : null;
    });

    /// <summary>The files that it consists of.</summary>
    public static IReadOnlyList<string> FileNames { get; } = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];

    public override byte[] Encode() => DescriptionFormat.Encode([.. FileNames.Select(name => (Name: name, Bytes: find(name)!)).Where(file => file.Bytes is not null)]);

    internal override StoredType? FindType(string name) => SafetensorsTypes.Find(name);

    public override ModelConfig ReadConfig(ITensorStore tensors) => ReadConfig();

    public ModelConfig ReadConfig()
    {
        string path = PathOf("config.json");
        byte[] bytes = find("config.json") ?? throw new ModelException(ModelError.ModelNotFound, $"{path} is missing");
        using JsonDocument config = JsonFile.Parse(bytes, path);
        string generationPath = PathOf("generation_config.json");
        using JsonDocument? generation = find("generation_config.json") is { } text ? JsonFile.Parse(text, generationPath) : null;
        return ReadConfig(config.RootElement, path, generation is null ? null : new JsonFields(generation.RootElement, generationPath));
    }

    public override Tokenizer? ReadTokenizer()
    {
        if (find("tokenizer.json") is { } bytes)
            return TokenizerLoader.FromTokenizerJson(bytes, find("tokenizer_config.json"));
        return find("tokenizer.model") is null
            ? null
            : throw new ModelException(
                ModelError.UnsupportedModel,
                $"{place} has tokenizer.model (SentencePiece) alone, expected tokenizer.json: transformers' AutoTokenizer makes one (save_pretrained), and a GGUF file of the model has its tokenizer in it");
    }

    public override string? ReadChatTemplateText()
    {
        // A file of its own is the newer place; where there are both it counts.
        if (find("chat_template.jinja") is { } text)
            return Encoding.UTF8.GetString(text);
        if (find("tokenizer_config.json") is not { } bytes)
            return null;
        string path = PathOf("tokenizer_config.json");
        using JsonDocument config = JsonFile.Parse(bytes, path);
        if (!config.RootElement.TryGetProperty("chat_template", out JsonElement template) || template.ValueKind == JsonValueKind.Null)
            return null;
        if (template.ValueKind == JsonValueKind.Array)
            template = template.EnumerateArray().FirstOrDefault(IsDefaultTemplate) is { ValueKind: JsonValueKind.Object } named ? named.GetProperty("template") : default;
        return template.ValueKind == JsonValueKind.String
            ? template.GetString()
            : throw new ModelException(ModelError.CorruptModel, $"{path}: chat_template is {template.ValueKind}, expected text or a list with one named default");
    }

    internal override ITensorStore Readable(ITensorStore stored)
    {
        try
        {
            if (stored.Tensors.Any(tensor => Float8.Find(tensor.StoredType) is not null))
                stored = new Float8Tensors(stored, ReadScaleBlock());
            return stored.Tensors.Any(MicroscaledTensors.IsBlocks) ? new MicroscaledTensors(stored) : stored;
        }
        catch
        {
            stored.Dispose();
            throw;
        }
    }

    internal static ModelConfig ReadConfig(JsonElement root, string path, JsonFields? generation)
    {
        var fields = new JsonFields(root, path);

        // Weights quantized by another library lie under other names: say so, rather than that a tensor is missing. 8-bit floats with scales and microscaled ones are read as they lie.
        if (fields.Object("quantization_config") is { } quantization && quantization.Text("quant_method", "") is not ("fp8" or "mxfp4"))
        {
            throw new ModelException(
                ModelError.UnsupportedModel, $"{path}: weights quantized by {quantization.Text("quant_method", "an unnamed method")}, expected float weights, fp8 or mxfp4");
        }

        return ModelFamily.ByHuggingFaceType(fields.Text("model_type"), path).ReadHuggingFace(fields, generation).Validated(path);
    }

    // How many rows and columns of 8-bit floats share a scale.
    private (int Rows, int Columns) ReadScaleBlock()
    {
        const int most = 1 << 20;
        string path = PathOf("config.json");
        if (find("config.json") is not { } bytes)
            return (128, 128);
        using JsonDocument config = JsonFile.Parse(bytes, path);
        if (new JsonFields(config.RootElement, path).Object("quantization_config") is not { } quantization || !quantization.Has("weight_block_size"))
            return (128, 128);
        JsonElement size = config.RootElement.GetProperty("quantization_config").GetProperty("weight_block_size");
        if (size.ValueKind == JsonValueKind.Array && size.GetArrayLength() == 2 && TryLength(size[0], out int rows) && TryLength(size[1], out int columns))
            return (rows, columns);
        throw new ModelException(ModelError.CorruptModel, $"{path}: quantization_config.weight_block_size is {size}, expected two numbers from 1 to {most}");

        static bool TryLength(JsonElement number, out int length)
        {
            length = 0;
            return number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out length) && length is >= 1 and <= most;
        }
    }

    private static bool IsDefaultTemplate(JsonElement item) =>
        item.ValueKind == JsonValueKind.Object
        && item.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String && name.GetString() == "default"
        && item.TryGetProperty("template", out _);

    private string PathOf(string name) => Path.Combine(place, name);
}
