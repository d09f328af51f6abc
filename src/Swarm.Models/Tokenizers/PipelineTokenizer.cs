using System.Collections.Frozen;
using Swarm.Models.Tokenizers.Decoding;
using Swarm.Models.Tokenizers.Merging;
using Swarm.Models.Tokenizers.Normalizing;
using Swarm.Models.Tokenizers.Splitting;

namespace Swarm.Models.Tokenizers;

/// <summary>
/// A tokenizer as tokenizer.json describes one: added tokens are cut out, what lies between is normalized, cut into pieces, and each piece goes through
/// the model; a template adds ids at the ends.
/// </summary>
internal sealed class PipelineTokenizer : Tokenizer
{
    private readonly Vocabulary _vocabulary;
    private readonly AddedTokenMatcher _rawTokens;
    private readonly AddedTokenMatcher _normalizedTokens;
    private readonly FrozenSet<int> _specialIds;
    private readonly TokenizerPipeline _pipeline;

    public PipelineTokenizer(TokenizerPipeline pipeline)
    {
        _pipeline = pipeline;
        TokenizerLimits.Check("added token count", pipeline.AddedTokens.Count, TokenizerLimits.AddedTokens);
        _vocabulary = pipeline.Vocabulary;
        _specialIds = pipeline.AddedTokens.Where(t => t.Special).Select(t => t.Id).ToFrozenSet();
        _rawTokens = new AddedTokenMatcher(pipeline.AddedTokens.Where(t => !t.Normalized).Select(t => (t, t.Content)));
        _normalizedTokens = new AddedTokenMatcher(pipeline.AddedTokens.Where(t => t.Normalized).Select(t => (t, Normalize(t.Content))));
    }

    public override int VocabularySize => _vocabulary.Size;

    public override int OrdinarySize
    {
        get
        {
            HashSet<int> added = [.. _pipeline.AddedTokens.Select(token => token.Id)];
            int size = _vocabulary.Size;
            while (size > 0 && (_vocabulary.Spelling(size - 1) is null || added.Contains(size - 1)))
                size--;
            return size;
        }
    }

    public override string Kind => _pipeline.Kind;

    public override SpecialTokens SpecialTokens => _pipeline.SpecialTokens;

    public override int[] Encode(string text, bool addSpecial = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > TokenizerLimits.TextChars)
            throw new ModelException(ModelError.InvalidArgument, $"Text has {text.Length} characters; the limit is {TokenizerLimits.TextChars}.");
        text = Repair(text);
        var ids = new List<int>((text.Length / 3) + 4);
        if (addSpecial)
            ids.AddRange(_pipeline.Before);
        var scratch = new MergeScratch();
        for (int at = 0; at < text.Length;)
        {
            AddedToken? token = _rawTokens.Find(text, at, out int start, out int end);
            if (start > at)
                EncodeStretch(Normalize(text[at..start]), at == 0, scratch, ids);
            if (token is null)
                break;
            ids.Add(token.Id);
            at = end;
        }

        if (addSpecial)
            ids.AddRange(_pipeline.After);
        return [.. ids];
    }

    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false)
    {
        var stream = new PipelineDetokenizer(this, _pipeline.Decoder, skipSpecial, eager: false);
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)_vocabulary.Size)
                throw new ModelException(ModelError.InvalidArgument, $"Token id {id} is outside the vocabulary of {_vocabulary.Size}.");
            stream.Add(id);
        }

        return stream.Flush();
    }

    public override bool IsSpecial(int id) => _specialIds.Contains(id);

    public override string? TokenText(int id) => _vocabulary.Spelling(id);

    public override int? FindToken(string token) => _vocabulary.FindOrNull(token);

    public override StreamingDetokenizer CreateStream(bool skipSpecial = false) =>
        new PipelineDetokenizer(this, _pipeline.Decoder, skipSpecial, eager: true);

    /// <summary>Lone surrogates, which no UTF-8 spells, become U+FFFD; other texts stay the same object.</summary>
    private static string Repair(string text)
    {
        for (int at = 0; (uint)at < (uint)text.Length; at++)
        {
            int next = text.AsSpan(at).IndexOfAnyInRange('\uD800', '\uDFFF');
            if (next < 0)
                return text;
            at += next;
            if (at + 1 == text.Length || !char.IsSurrogatePair(text[at], text[at + 1]))
                return string.Concat(text.EnumerateRunes().Select(r => r.ToString()));
            at++;
        }

        return text;
    }

    private string Normalize(string text)
    {
        long limit = 4096 + ((long)TokenizerLimits.NormalizedGrowth * text.Length);
        foreach (Normalizer normalizer in _pipeline.Normalizers)
        {
            text = normalizer.Apply(text);
            if (text.Length > limit)
                throw new ModelException(ModelError.UnsupportedModel, $"The tokenizer's normalizers lengthen a text to {text.Length} characters; the limit is {limit}.");
        }

        return text;
    }

    private void EncodeStretch(string text, bool atTextStart, MergeScratch scratch, List<int> ids)
    {
        for (int at = 0; at < text.Length;)
        {
            int start = text.Length, end = text.Length;
            AddedToken? token = _normalizedTokens.IsEmpty ? null : _normalizedTokens.Find(text, at, out start, out end);
            if (start > at)
                EncodePieces(text[at..start], atTextStart && at == 0, scratch, ids);
            if (token is null)
                break;
            ids.Add(token.Id);
            at = end;
        }
    }

    private void EncodePieces(string text, bool atTextStart, MergeScratch scratch, List<int> ids)
    {
        var pieces = new Pieces(text, atTextStart);
        foreach (PreTokenizer preTokenizer in _pipeline.PreTokenizers)
            preTokenizer.Apply(pieces);
        foreach ((int Start, int End) range in pieces.Ranges)
            _pipeline.Model.Encode(pieces.Span(range), scratch, ids);
    }
}
