using System.Text;

namespace Swarm.Models.Tokenizers.Patterns;

/// <summary>
/// A regular expression over code points, matched by backtracking with a bound on its steps. The runtime's own expressions see UTF-16 units,
/// so their classes miss every letter beyond the basic plane.
/// </summary>
internal sealed class Pattern
{
    private readonly PatternInstruction[] _program;

    public Pattern(PatternNode node) => _program = PatternCompiler.Compile(node);

    public static Pattern Parse(string text) => new(PatternParser.Parse(text));

    public static Pattern Literal(string text) => new(PatternParser.Literal(text));

    /// <summary>Calls <paramref name="visit"/> for consecutive stretches that cover the text: (start, end, whether the pattern matched there).</summary>
    public void Cover(ReadOnlySpan<char> text, Action<int, int, bool> visit)
    {
        var matcher = new PatternMatcher(_program, text);
        int covered = 0;
        for (int from = 0; from <= text.Length && matcher.Find(from, out int start, out int end);)
        {
            if (end == start)
            {
                // An empty match splits without taking text; the search goes on behind the next character.
                if (start > covered)
                    visit(covered, start, false);
                covered = start;
                if (start == text.Length)
                    break;
                Rune.DecodeFromUtf16(text[start..], out _, out int length);
                from = start + length;
                continue;
            }

            if (start > covered)
                visit(covered, start, false);
            visit(start, end, true);
            covered = from = end;
        }

        if (covered < text.Length)
            visit(covered, text.Length, false);
    }

    /// <summary>The first match at or behind <paramref name="from"/>.</summary>
    public bool Find(ReadOnlySpan<char> text, int from, out int start, out int end) =>
        new PatternMatcher(_program, text).Find(from, out start, out end);
}
