namespace Swarm.Models.Tokenizers;

/// <summary>
/// Text to token ids and back. Immutable after loading and safe for use by several threads; a <see cref="StreamingDetokenizer"/>
/// belongs to one generation.
/// </summary>
public abstract class Tokenizer
{
    /// <summary>One more than the highest id. A model's logits may be wider (padding rows); those ids have no text.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>One more than the highest id that ordinary text can give; added tokens may lie above.</summary>
    public abstract int OrdinarySize { get; }

    /// <summary>Mechanism and pre-tokenizer in words for people, such as <c>byte-level BPE (smollm)</c>.</summary>
    public abstract string Kind { get; }

    public abstract SpecialTokens SpecialTokens { get; }

    /// <summary>
    /// Ids of <paramref name="text"/>. Added tokens written in the text are recognised. A lone surrogate counts as U+FFFD.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecial">Adds what the tokenizer's own template or its BOS and EOS flags add.</param>
    /// <exception cref="ModelException"><see cref="ModelError.UnsupportedModel"/>: a pre-tokenizer pattern needs more steps than its bound on this text.</exception>
    public abstract int[] Encode(string text, bool addSpecial = false);

    /// <summary>The text of <paramref name="ids"/>; bytes that are no UTF-8 become U+FFFD.</summary>
    /// <exception cref="ModelException"><see cref="ModelError.InvalidArgument"/>: an id outside the vocabulary.</exception>
    public abstract string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false);

    /// <summary>True for control tokens, which <c>skipSpecial</c> leaves out; false for others and for ids outside the vocabulary.</summary>
    public abstract bool IsSpecial(int id);

    /// <summary>The vocabulary's own spelling of a token (bytes as the file spells them), or null where the id has none.</summary>
    public abstract string? TokenText(int id);

    /// <summary>The id whose spelling in the vocabulary is <paramref name="token"/>, or null.</summary>
    public abstract int? FindToken(string token);

    /// <summary>A detokenizer for one generation.</summary>
    public abstract StreamingDetokenizer CreateStream(bool skipSpecial = false);
}
