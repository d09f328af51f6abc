using System.Text;

namespace Swarm.Models.Tokenizers.Decoding;

/// <summary>Takes up to so many of one character from the ends of each token, or, behind a fuse, of the whole text.</summary>
internal sealed class StripStage(char content, int start, int stop, bool fused) : DecodeStage
{
    private readonly StringBuilder _held = new();
    private int _taken;

    public override void Push(string token)
    {
        if (!fused)
            _taken = 0;
        int from = 0;
        while (_taken < start && from < token.Length && token[from] == content)
        {
            from++;
            _taken++;
        }

        if (from < token.Length)
            _taken = start;
        _held.Append(token, from, token.Length - from);
        GiveCertain();
        if (!fused)
            Drop();
    }

    public override void Finish()
    {
        Drop();
        _taken = 0;
        base.Finish();
    }

    /// <summary>All but the last characters that may still be stripped.</summary>
    private void GiveCertain()
    {
        int keep = 0;
        while (keep < stop && keep < _held.Length && _held[_held.Length - 1 - keep] == content)
            keep++;
        string text = _held.ToString(0, _held.Length - keep);
        _held.Remove(0, text.Length);
        Emit(text);
    }

    private void Drop() => _held.Clear();
}
