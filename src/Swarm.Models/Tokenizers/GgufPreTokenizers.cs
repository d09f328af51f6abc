using Swarm.Models.Tokenizers.Patterns;
using Swarm.Models.Tokenizers.Splitting;

namespace Swarm.Models.Tokenizers;

/// <summary>
/// What the names in <c>tokenizer.ggml.pre</c> stand for: the normalizer and the pre-tokenizers of the model's own tokenizer.json. A GGUF file holds the name alone.
/// </summary>
internal static class GgufPreTokenizers
{
    private const string Gpt2 = ByteLevelPreTokenizer.Gpt2Expression;
    private const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Qwen2 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Qwen35 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Tekken =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Gpt4o =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string DeepSeek3Words =
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly Dictionary<string, Recipe> Recipes = new(StringComparer.Ordinal)
    {
        ["gpt-2"] = new([], Gpt2),
        ["phi-2"] = new([], Gpt2),
        ["mpt"] = new([], Gpt2, Nfc: true),
        ["olmo"] = new([], Gpt2, Nfc: true),
        ["jais"] = new([], Gpt2),
        ["smollm"] = new([Digits(SplitBehavior.Isolated)], Gpt2),
        ["starcoder"] = new([Digits(SplitBehavior.Isolated)], Gpt2),
        ["refact"] = new([Digits(SplitBehavior.Isolated)], Gpt2),
        ["command-r"] = new([Digits(SplitBehavior.Isolated)], Gpt2),
        ["codeshell"] = new([Digits(SplitBehavior.Isolated)], Gpt2),
        ["falcon"] = Falcon(),
        ["default"] = Falcon(),
        ["llama-bpe"] = new([], Llama3, IgnoreMerges: true, AddBos: true),
        ["llama3"] = new([], Llama3, IgnoreMerges: true, AddBos: true),
        ["llama-v3"] = new([], Llama3, IgnoreMerges: true, AddBos: true),
        ["falcon3"] = new([], Llama3, IgnoreMerges: true, AddBos: true),
        ["dbrx"] = new([], Llama3),
        ["smaug-bpe"] = new([], Llama3),
        ["chatglm-bpe"] = new([], Llama3),
        ["glm4"] = new([], Llama3),
        ["qwen2"] = new([], Qwen2, Nfc: true),
        ["deepseek-r1-qwen"] = new([], Qwen2, Nfc: true),
        ["stablelm2"] = new([], Qwen2),
        ["megrez"] = new([], Qwen2),
        ["qwen35"] = new([], Qwen35, Nfc: true),
        ["tekken"] = new([], Tekken, IgnoreMerges: true, AddBos: true),
        ["gpt-4o"] = new([], Gpt4o),
        ["llama4"] = new([], Gpt4o, AddBos: true),
        ["deepseek-v3"] = new([Split(@"\p{N}{1,3}"), Split("[一-龥぀-ゟ゠-ヿ]+")], DeepSeek3Words),
    };

    public static Recipe Find(string name) => Recipes.TryGetValue(name, out Recipe? recipe)
        ? recipe
        : throw new ModelException(ModelError.UnsupportedModel,
            $"GGUF tokenizer.ggml.pre names the pre-tokenizer '{name}', which is not among {string.Join(", ", Recipes.Keys)}.");

    private static Func<PreTokenizer> Digits(SplitBehavior behavior) => () => new CharacterSplitPreTokenizer(CodePointSet.Number, behavior);

    private static Func<PreTokenizer> Split(string pattern) => () => new SplitPreTokenizer(Pattern.Parse(pattern), SplitBehavior.Isolated);

    /// <summary>Falcon's file cuts digits after the bytes are spelled out, when superscripts' bytes look like digits: the order is kept.</summary>
    private static Recipe Falcon() => new(
        [() => new CharacterSplitPreTokenizer(PunctuationOrAsciiSymbol, SplitBehavior.Contiguous)], Gpt2,
        Later: [Digits(SplitBehavior.Contiguous), Split("[0-9][0-9][0-9]")]);

    /// <summary>Punctuation as the reference library means it: the categories, and ASCII's symbols.</summary>
    internal static readonly CodePointSet PunctuationOrAsciiSymbol =
        new([('!', '/'), (':', '@'), ('[', '`'), ('{', '~')], CodePointSet.PunctuationMask, []);

    /// <param name="First">Cuts before the words are cut.</param>
    /// <param name="Words">The expression that cuts words.</param>
    /// <param name="IgnoreMerges">A piece that is a token is taken whole.</param>
    /// <param name="AddBos">Whether BOS comes first where the file does not say.</param>
    /// <param name="Later">Cuts after bytes are spelled out.</param>
    /// <param name="Nfc">Texts are composed first.</param>
    internal sealed record Recipe(
        IReadOnlyList<Func<PreTokenizer>> First, string Words, bool IgnoreMerges = false, bool AddBos = false, IReadOnlyList<Func<PreTokenizer>>? Later = null,
        bool Nfc = false)
    {
        public IReadOnlyList<PreTokenizer> Make() =>
        [
            .. First.Select(make => make()),
            new SplitPreTokenizer(Pattern.Parse(Words), SplitBehavior.Isolated),
            new ByteLevelPreTokenizer(addPrefixSpace: false, useRegex: false),
            .. (Later ?? []).Select(make => make()),
        ];
    }
}
