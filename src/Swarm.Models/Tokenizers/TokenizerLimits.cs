namespace Swarm.Models.Tokenizers;

/// <summary>Bounds on what a tokenizer file may ask for, checked before anything of that size is built.</summary>
internal static class TokenizerLimits
{
    public const int VocabularyTokens = 1 << 22;
    public const int Merges = 1 << 23;
    public const int AddedTokens = 1 << 17;
    public const int TokenChars = 4096;
    public const int ReplacementChars = 64;

    /// <summary>Normalizers together may lengthen a text this many times.</summary>
    public const int NormalizedGrowth = 64;

    public const int PatternChars = 16384;
    public const int PatternNesting = 32;
    public const int PatternInstructions = 1 << 15;
    public const int PipelineSteps = 64;
    public const int JsonBytes = 1 << 28;
    public const int TextChars = 1 << 28;

    public static int Check(string field, long value, int limit) => value <= limit && value >= 0
        ? (int)value
        : throw new ModelException(ModelError.CorruptModel, $"Tokenizer {field} is {value}; the limit is {limit}.");
}
