using System.Security.Cryptography;
using Swarm.Models.Files;
using Swarm.Models.Tokenizers;

namespace Swarm.Models;

/// <summary>What a model consists of beside its tensors: the texts that its configuration, tokenizer and chat template are made from. Nothing is read before it is asked for.</summary>
public abstract class ModelDescription
{
    private protected ModelDescription()
    {
    }

    /// <summary>That of a folder in Hugging Face layout: config.json, generation_config.json, tokenizer.json, tokenizer_config.json, chat_template.jinja.</summary>
    public static ModelDescription FromFolder(string folder) => HuggingFaceDescription.OfFolder(folder);

    /// <summary>That of a GGUF file's header.</summary>
    /// <param name="file">The file; must stay open.</param>
    /// <param name="path">Names it in messages.</param>
    public static ModelDescription FromGguf(GgufFile file, string path) => new GgufDescription(file.Metadata, path);

    /// <summary>SHA-256 of <see cref="Encode"/>, 32 bytes.</summary>
    public byte[] ComputeHash() => SHA256.HashData(Encode());

    /// <summary>
    /// Everything in it, to be handed to others. Bytes: "SWMD1\n", then either 1, the number of pairs (u32) and the pairs as GGUF stores them, or 2, the number of files (u8) and of each
    /// the name (u8 length, UTF-8) and the content (u32 length); all little-endian, files in the order of <see cref="FromFolder"/>.
    /// </summary>
    public abstract byte[] Encode();

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    /// <param name="bytes">From anywhere: nothing is believed.</param>
    /// <param name="place">Names it in messages.</param>
    /// <exception cref="ModelException">CorruptModel, naming the field, the value and the limit.</exception>
    public static ModelDescription Parse(ReadOnlySpan<byte> bytes, string place) => DescriptionFormat.Parse(bytes, place);

    /// <summary>The types that the model's format stores tensors in, by their names.</summary>
    internal abstract StoredType? FindType(string name);

    /// <summary>The model's shape.</summary>
    /// <param name="tensors">Its tensors: which optional ones there are tells what GGUF's header does not say.</param>
    /// <exception cref="ModelException">CorruptModel, UnsupportedModel, or ModelNotFound where there is no configuration.</exception>
    public abstract ModelConfig ReadConfig(ITensorStore tensors);

    /// <summary>The model's tensors as kernels can read them, which takes the stored ones over: another form of the same values where the configuration says how they are stored.</summary>
    /// <exception cref="ModelException">CorruptModel.</exception>
    internal virtual ITensorStore Readable(ITensorStore stored) => stored;

    /// <summary>Its tokenizer; null where there is none.</summary>
    /// <exception cref="ModelException">CorruptModel or UnsupportedModel, naming what is wrong or not known.</exception>
    public abstract Tokenizer? ReadTokenizer();

    /// <summary>Source text of its chat template; null where there is none.</summary>
    /// <exception cref="ModelException">CorruptModel.</exception>
    public abstract string? ReadChatTemplateText();
}
