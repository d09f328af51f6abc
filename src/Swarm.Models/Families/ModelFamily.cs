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
    private static readonly ModelFamily[] All = [new LlamaFamily(), new Qwen2Family()];

    /// <summary>Name in <see cref="ModelConfig.Family"/>.</summary>
    public abstract string Name { get; }

    /// <summary>Values of config.json's <c>model_type</c> that it reads.</summary>
    public abstract IReadOnlyList<string> HuggingFaceTypes { get; }

    /// <summary>Values of GGUF's <c>general.architecture</c> that it reads.</summary>
    public abstract IReadOnlyList<string> GgufArchitectures { get; }

    /// <summary>Names of its tensors: transformers', GGUF's; {0} stands for the block.</summary>
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

    /// <summary>Makes one block from its tensors.</summary>
    public abstract TransformerBlock LoadBlock(TensorLoader loader, int block);

    /// <summary>The file's name of a tensor.</summary>
    public string TensorName(TensorNaming naming, TensorRole role, int block = 0)
    {
        (string huggingFace, string gguf) = TensorNames[role];
        return string.Format(CultureInfo.InvariantCulture, naming == TensorNaming.Gguf ? gguf : huggingFace, block);
    }

    /// <summary>The block that a tensor's name belongs to, or null for the ends and for names that the family does not know.</summary>
    public int? BlockOf(TensorNaming naming, string name)
    {
        foreach ((string huggingFace, string gguf) in TensorNames.Values)
        {
            string pattern = naming == TensorNaming.Gguf ? gguf : huggingFace;
            int hole = pattern.IndexOf("{0}", StringComparison.Ordinal);
            if (hole < 0 || !name.StartsWith(pattern.AsSpan(0, hole), StringComparison.Ordinal) || !name.EndsWith(pattern.AsSpan(hole + 3), StringComparison.Ordinal))
                continue;
            int digits = name.Length - (pattern.Length - 3);
            if (digits > 0 && int.TryParse(name.AsSpan(hole, digits), NumberStyles.None, CultureInfo.InvariantCulture, out int block))
                return block;
        }

        return null;
    }
}
