namespace Swarm.Models.Tokenizers.Splitting;

/// <summary>SentencePiece's spaces: each becomes <paramref name="replacement"/>, one more may come first, and pieces may begin at each.</summary>
internal sealed class MetaspacePreTokenizer(char replacement, PrependScheme scheme, bool split) : PreTokenizer
{
    public override void Apply(Pieces pieces)
    {
        pieces.Rewrite((builder, start, end) =>
        {
            bool prepend = scheme == PrependScheme.Always || (scheme == PrependScheme.First && start == 0 && pieces.AtTextStart);
            if (prepend && pieces.Text[start] != ' ' && pieces.Text[start] != replacement)
                builder.Append(replacement);
            int from = builder.Length;
            builder.Append(pieces.Text, start, end - start);
            builder.Replace(' ', replacement, from, end - start);
        });
        if (!split)
            return;
        string text = pieces.Text;
        pieces.Cut((start, end) =>
        {
            int open = start;
            for (int i = start + 1; i < end; i++)
            {
                if (text[i] != replacement)
                    continue;
                pieces.Keep(open, i);
                open = i;
            }

            pieces.Keep(open, end);
        });
    }
}
