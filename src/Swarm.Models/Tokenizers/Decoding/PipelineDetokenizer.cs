namespace Swarm.Models.Tokenizers.Decoding;

/// <summary>A chain of stages with a collector at its end.</summary>
internal sealed class PipelineDetokenizer : StreamingDetokenizer
{
    private readonly PipelineTokenizer _tokenizer;
    private readonly bool _skipSpecial;
    private readonly CollectStage _end = new();
    private readonly DecodeStage _first;

    public PipelineDetokenizer(PipelineTokenizer tokenizer, IReadOnlyList<DecodeStep> steps, bool skipSpecial, bool eager)
    {
        _tokenizer = tokenizer;
        _skipSpecial = skipSpecial;
        DecodeStage next = _end;
        for (int i = steps.Count - 1; i >= 0; i--)
        {
            DecodeStage stage = steps[i](eager);
            stage.Next = next;
            next = stage;
        }

        _first = next;
    }

    public override string Push(int id)
    {
        Add(id);
        return _end.Take();
    }

    public override string Flush()
    {
        _first.Finish();
        return _end.Take();
    }

    /// <summary>Adds a token without taking the text yet.</summary>
    public void Add(int id)
    {
        if (_tokenizer.TokenText(id) is { } spelling && !(_skipSpecial && _tokenizer.IsSpecial(id)))
            _first.Push(spelling);
    }
}
