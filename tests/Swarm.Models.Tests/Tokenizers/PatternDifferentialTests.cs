using System.Text;
using System.Text.RegularExpressions;
using Swarm.Models.Tokenizers.Patterns;

namespace Swarm.Models.Tests.Tokenizers;

/// <summary>Random patterns of constructs that mean the same to the runtime's expressions, on ASCII texts: both must find the same.</summary>
public sealed class PatternDifferentialTests
{
    private const string Letters = "abAB1 \n-";

    [Fact]
    public void Find_RandomPatterns_AgreesWithTheRuntime()
    {
        var random = new Random(20240611);
        int found = 0, compared = 0;
        for (int n = 0; n < 2500; n++)
        {
            var builder = new StringBuilder();
            Choice(builder, random, 3);
            string text = string.Concat(Enumerable.Range(0, random.Next(20)).Select(_ => Letters[random.Next(Letters.Length)]));
            try
            {
                Compare(builder.ToString(), text, ref compared, ref found);
            }
            catch (ModelException e) when (e.Message.Contains("may be empty", StringComparison.Ordinal) || e.Message.Contains("steps", StringComparison.Ordinal))
            {
                // Refused on purpose; enough others are left.
            }
        }

        Assert.True(compared > 10_000 && found > compared / 8, $"only {found} of {compared} searches found text");
    }

    private static void Compare(string source, string text, ref int compared, ref int found)
    {
        Pattern pattern = Pattern.Parse(source);
        var regex = new Regex(source, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));
        for (int from = 0; from <= text.Length; from++)
        {
            Match expected = regex.Match(text, from);
            bool actual = pattern.Find(text, from, out int start, out int end);
            Assert.True(
                expected.Success == actual && (!actual || (start == expected.Index && end == expected.Index + expected.Length)),
                $"{source} on '{text}' from {from}: expected {(expected.Success ? $"{expected.Index}+{expected.Length}" : "nothing")}, got {(actual ? $"{start}+{end - start}" : "nothing")}");
            compared++;
            found += actual && end > start ? 1 : 0;
        }
    }

    private static void Choice(StringBuilder builder, Random random, int depth)
    {
        Sequence(builder, random, depth);
        for (int more = random.Next(3); more == 2; more = random.Next(3))
        {
            builder.Append('|');
            Sequence(builder, random, depth);
        }
    }

    private static void Sequence(StringBuilder builder, Random random, int depth)
    {
        for (int items = random.Next(1, 4); items > 0; items--)
        {
            bool place = Item(builder, random, depth);
            if (!place)
                builder.Append(Pick(random, "", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{2,}", "{0,2}?"));
        }
    }

    /// <summary>True for what takes no quantifier.</summary>
    private static bool Item(StringBuilder builder, Random random, int depth)
    {
        int kind = random.Next(depth > 0 ? 10 : 5);
        switch (kind)
        {
            case 0 or 1:
                builder.Append(Regex.Escape(Letters[random.Next(Letters.Length)].ToString()));
                return false;
            case 2:
                builder.Append(Pick(random, "[ab]", "[^a]", "[a-b1]", "[\\sA]", "[^\\w]", "[\\-a]"));
                return false;
            case 3:
                builder.Append(Pick(random, "\\s", "\\S", "\\d", "\\w", "\\W", ".", "\\p{L}", "\\P{L}", "\\p{N}"));
                return false;
            case 4:
                builder.Append(Pick(random, "\\b", "\\B", "\\A", "\\z", "\\Z", "(?<=a)", "(?<!b)", "(?<=[ab]1)"));
                return true;
            case 5:
                builder.Append("(?=");
                break;
            case 6:
                builder.Append("(?!");
                break;
            case 7:
                builder.Append("(?>");
                break;
            case 8:
                builder.Append("(?i:");
                break;
            default:
                builder.Append("(?:");
                break;
        }

        Choice(builder, random, depth - 1);
        builder.Append(')');

        // The runtime multiplies the bounds of a quantifier over an atomic run, as if nothing were atomic: "(?>b{1,2}){2}" takes "bb" there.
        return kind is 5 or 6 or 7;
    }

    private static string Pick(Random random, params string[] options) => options[random.Next(options.Length)];
}
