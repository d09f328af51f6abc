using System.Text;
using Swarm.Models.Files;

namespace Swarm.Models.Tokenizers;

/// <summary>Makes tokenizers from model files. All input is untrusted: limits hold before anything large is built.</summary>
public static class TokenizerLoader
{
    /// <summary>From <c>tokenizer.ggml.*</c>.</summary>
    /// <returns>Null where the file has no tokenizer.</returns>
    /// <exception cref="ModelException">
    /// <see cref="ModelError.UnsupportedModel"/>: a mechanism or pre-tokenizer, named, that this version does not have;
    /// <see cref="ModelError.CorruptModel"/>: values that contradict each other or exceed a limit.
    /// </exception>
    public static Tokenizer? FromGguf(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        if (!metadata.TryGetString("tokenizer.ggml.model", out string model) || model is "no_vocab" or "none")
            return null;
        if (!metadata.TryGetStrings("tokenizer.ggml.tokens", out string[] tokens))
            throw new ModelException(ModelError.CorruptModel, "GGUF tokenizer.ggml.tokens is missing beside tokenizer.ggml.model.");
        return GgufTokenizer.Build(new GgufTokenizerFields
        {
            Model = model,
            Pre = metadata.TryGetString("tokenizer.ggml.pre", out string pre) ? pre : "default",
            Tokens = tokens,
            Types = metadata.TryGetIntegers("tokenizer.ggml.token_type", out long[] types) ? Array.ConvertAll(types, t => (int)t) : null,
            Scores = metadata.TryGetNumbers("tokenizer.ggml.scores", out float[] scores) ? scores : null,
            Merges = metadata.TryGetStrings("tokenizer.ggml.merges", out string[] merges) ? merges : null,
            Bos = Id("bos"),
            Eos = Id("eos"),
            EndOfTurn = Id("eot"),
            Unknown = Id("unknown"),
            Padding = Id("padding"),
            AddBos = Flag("add_bos_token"),
            AddEos = Flag("add_eos_token"),
            AddSpacePrefix = Flag("add_space_prefix"),
        });

        int? Id(string role) => metadata.TryGetInteger($"tokenizer.ggml.{role}_token_id", out long id)
            ? id is >= 0 and <= int.MaxValue ? (int)id : throw new ModelException(ModelError.CorruptModel, $"GGUF tokenizer.ggml.{role}_token_id is {id}.")
            : null;

        bool? Flag(string name) => metadata.TryGetBool("tokenizer.ggml." + name, out bool value) ? value : null;
    }

    /// <summary>From the text of tokenizer.json and, for the roles of tokens, tokenizer_config.json.</summary>
    /// <exception cref="ModelException"><see cref="ModelError.UnsupportedModel"/>: a construct, named, that this version does not have; <see cref="ModelError.CorruptModel"/>: broken JSON or a value over its limit.</exception>
    public static Tokenizer FromTokenizerJson(string json, string? tokenizerConfigJson = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        return FromTokenizerJson(Encoding.UTF8.GetBytes(json), tokenizerConfigJson is null ? default : Encoding.UTF8.GetBytes(tokenizerConfigJson));
    }

    /// <summary>The same from UTF-8; an empty <paramref name="tokenizerConfigJson"/> is none.</summary>
    /// <exception cref="ModelException"><see cref="ModelError.UnsupportedModel"/>: a construct, named, that this version does not have; <see cref="ModelError.CorruptModel"/>: broken JSON or a value over its limit.</exception>
    public static Tokenizer FromTokenizerJson(ReadOnlyMemory<byte> json, ReadOnlyMemory<byte> tokenizerConfigJson = default) =>
        TokenizerJson.Build(json, tokenizerConfigJson);
}
