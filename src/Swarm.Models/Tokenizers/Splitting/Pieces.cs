namespace Swarm.Models.Tokenizers.Splitting;

/// <summary>A text on its way through the pre-tokenizers: what it is now, and where it is cut.</summary>
internal sealed class Pieces
{
    private List<(int Start, int End)> _ranges = [];
    private List<(int Start, int End)> _next = [];

    public Pieces(string text, bool atTextStart)
    {
        Text = text;
        AtTextStart = atTextStart;
        if (text.Length > 0)
            _ranges.Add((0, text.Length));
    }

    public string Text { get; private set; }

    /// <summary>The first piece begins where the whole input begins (no added token came before).</summary>
    public bool AtTextStart { get; }

    public IReadOnlyList<(int Start, int End)> Ranges => _ranges;

    public ReadOnlySpan<char> Span((int Start, int End) range) => Text.AsSpan(range.Start, range.End - range.Start);

    /// <summary>Cuts every piece again; the cutter adds ranges of the text through <see cref="Keep"/>.</summary>
    public void Cut(Action<int, int> cutter)
    {
        foreach ((int start, int end) in _ranges)
            cutter(start, end);
        (_ranges, _next) = (_next, _ranges);
        _next.Clear();
    }

    /// <summary>Keeps a stretch as a piece of the next cut; empty ones are dropped.</summary>
    public void Keep(int start, int end)
    {
        if (end > start)
            _next.Add((start, end));
    }

    /// <summary>Replaces the text: <paramref name="rewrite"/> appends each piece's new characters.</summary>
    public void Rewrite(Action<System.Text.StringBuilder, int, int> rewrite)
    {
        var builder = new System.Text.StringBuilder(Text.Length + 16);
        foreach ((int start, int end) in _ranges)
        {
            int from = builder.Length;
            rewrite(builder, start, end);
            Keep(from, builder.Length);
        }

        Text = builder.ToString();
        (_ranges, _next) = (_next, _ranges);
        _next.Clear();
    }
}
