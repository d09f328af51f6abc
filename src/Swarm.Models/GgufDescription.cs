using Swarm.Models.Families;
using Swarm.Models.Files;
using Swarm.Models.Tokenizers;

namespace Swarm.Models;

/// <summary>Everything in the header of a GGUF file.</summary>
internal sealed class GgufDescription(GgufMetadata metadata, string path) : ModelDescription
{
    public GgufMetadata Metadata => metadata;

    public override byte[] Encode() => DescriptionFormat.Encode(metadata);

    internal override StoredType? FindType(string name) => GgufTypes.Find(name);

    public override ModelConfig ReadConfig(ITensorStore tensors)
    {
        if (!metadata.TryGetString("general.architecture", out string architecture))
            throw new ModelException(ModelError.CorruptModel, $"{path}: general.architecture is missing, expected a string");
        ModelFamily family = ModelFamily.ByGgufArchitecture(architecture, path);
        return family.ReadGguf(new GgufFields(metadata, architecture, path), tensors).Validated(path);
    }

    public override Tokenizer? ReadTokenizer() => TokenizerLoader.FromGguf(metadata);

    public override string? ReadChatTemplateText() => metadata.TryGetString("tokenizer.chat_template", out string text) ? text : null;
}
