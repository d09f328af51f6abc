using Swarm.Models.Tokenizers.Patterns;

namespace Swarm.Models.Tests.Tokenizers;

public sealed class PatternTests
{
    /// <summary>Stretches joined by '|', matches in brackets.</summary>
    private static string Cover(string pattern, string text)
    {
        var parts = new List<string>();
        Pattern.Parse(pattern).Cover(text, (start, end, match) => parts.Add(match ? $"[{text[start..end]}]" : text[start..end]));
        return string.Join("|", parts);
    }

    [Theory]
    [InlineData("a", "banana", "b|[a]|n|[a]|n|[a]")]
    [InlineData("a|an", "banana", "b|[a]|n|[a]|n|[a]")]
    [InlineData("an|a", "banana", "b|[an]|[an]|[a]")]
    [InlineData("(?:an)+", "banana", "b|[anan]|a")]
    [InlineData("(an){2}", "bananan", "b|[anan]|an")]
    [InlineData("x*", "axxb", "a|[xx]|b")]
    [InlineData("a+?", "aaa", "[a]|[a]|[a]")]
    [InlineData("a+?b", "aaab", "[aaab]")]
    [InlineData("a??b", "aab", "a|[ab]")]
    [InlineData("a++a", "aaa", "aaa")]
    [InlineData("(?>a+)a", "aaa", "aaa")]
    [InlineData("(?:ab)?+ab", "ab", "ab")]
    [InlineData("a{2,3}", "aaaaaaa", "[aaa]|[aaa]|a")]
    [InlineData("a{,2}b", "aaab", "a|[aab]")]
    [InlineData("a{2}+", "aaaaa", "[aaaa]|a")]
    [InlineData("a{x", "a{x", "[a{x]")]
    [InlineData("\\s+(?!\\S)|\\s+", "a   b ", "a|[  ]|[ ]|b|[ ]")]
    [InlineData("(?=ab)a", "aab", "a|[a]|b")]
    [InlineData("(?<=a)b", "bab", "ba|[b]")]
    [InlineData("(?<!a)b", "bab", "[b]|ab")]
    [InlineData("(?<!ab)c", "cabcbc", "[c]|abcb|[c]")]
    [InlineData("(?i:'S|k)", "'s'Sk'\u017FK\u212A", "['s]|['S]|[k]|['\u017F]|[K]|[\u212A]")]
    [InlineData("a(?i)b|c", "aBaCac", "[aB]|[aC]|[ac]")]
    [InlineData("(?i)[a-c]+", "aBCdA", "[aBC]|d|[A]")]
    [InlineData("(?i:a(?-i:b))", "AbAB", "[Ab]|AB")]
    [InlineData("[^a-c]+", "abcxyz", "abc|[xyz]")]
    [InlineData("[]a]+", "a]b", "[a]]|b")]
    [InlineData("[a\\-c]+", "a-bc", "[a-]|b|[c]")]
    [InlineData("[a-]+", "a-b", "[a-]|b")]
    [InlineData("[\\d\\s]+", "a1 2b", "a|[1 2]|b")]
    [InlineData("[\\S]+", "a b", "[a]| |[b]")]
    [InlineData("[a-z&&[^aeiou]]+", "hello", "[h]|e|[ll]|o")]
    [InlineData("[[:digit:]_]+", "a1_b", "a|[1_]|b")]
    [InlineData("\\p{L}+", "a\U0001D518\u0301b", "[a\U0001D518]|\u0301|[b]")]
    [InlineData("[\\p{L}\\p{M}]+", "a\u0301!", "[a\u0301]|!")]
    [InlineData("\\p{Lu}\\P{Lu}+", "abCdE", "ab|[Cd]|E")]
    [InlineData("\\p{^L}+", "a12b", "a|[12]|b")]
    [InlineData("\\p{Uppercase_Letter}", "aB", "a|[B]")]
    [InlineData("\\p{Han}+", "a漢字か", "a|[漢字]|か")]
    [InlineData("\\w+", "a_1\u0301-b", "[a_1\u0301]|-|[b]")]
    [InlineData("\\s", "a\u3000\u0085\u200Bb", "a|[\u3000]|[\u0085]|\u200Bb")]
    [InlineData(".+", "ab\ncd", "[ab]|\n|[cd]")]
    [InlineData("(?m:.+)", "ab\ncd", "[ab\ncd]")]
    [InlineData("^a|b$", "ab\nab", "[a]|[b]|\n|[a]|[b]")]
    [InlineData("\\Aa|b\\z", "ab\nab", "[a]|b\na|[b]")]
    [InlineData("b\\Z", "ab\n", "a|[b]|\n")]
    [InlineData("\\bab?", "ab cab", "[ab]| cab")]
    [InlineData("\\u0041\\x42\\x{43}\\t", "ABC\t", "[ABC\t]")]
    [InlineData("\\.\\/\\\\", "./\\", "[./\\]")]
    [InlineData("", "ab", "a|b")]
    public void Cover_EachConstruct_MatchesAsRubySyntaxSays(string pattern, string text, string expected) => Assert.Equal(expected, Cover(pattern, text));

    [Theory]
    [InlineData("(a", "without ')'")]
    [InlineData("a)", "unmatched ')'")]
    [InlineData("[a", "class without ']'")]
    [InlineData("[", "class without ']'")]
    [InlineData("*a", "quantifier with nothing")]
    [InlineData("a\\", "backslash at its end")]
    [InlineData("\\1", "escape '\\1'")]
    [InlineData("\\k", "escape '\\k'")]
    [InlineData("\\p{Klingon}", "property 'Klingon'")]
    [InlineData("\\p{L", "property without '}'")]
    [InlineData("(?<name>a)", "unknown kind of group")]
    [InlineData("(?", "unknown kind of group")]
    [InlineData("(a*)*", "may be empty")]
    [InlineData("(?<=a+)b", "varying length")]
    [InlineData("[z-a]", "below its start")]
    [InlineData("a{3,2}", "wrong way round")]
    [InlineData("a{1001}", "limit is 1000")]
    [InlineData("\\x{110000}", "hexadecimal")]
    [InlineData("((((a{100}){100}){100}){100})", "instructions")]
    public void Parse_WhatItLacks_IsNamed(string pattern, string message)
    {
        var e = Assert.Throws<ModelException>(() => Pattern.Parse(pattern));
        Assert.Equal(ModelError.UnsupportedModel, e.Error);
        Assert.Contains(message, e.Message);
    }

    [Fact]
    public void Cover_LoneSurrogate_IsOneCharacter() => Assert.Equal("[\U0001F642]|[\uD83D]", Cover(".", "\U0001F642\uD83D"));

    [Fact]
    public void Parse_DeepOrLongPatterns_AreRefused()
    {
        Assert.Contains("nested", Assert.Throws<ModelException>(() => Pattern.Parse(new string('(', 1000))).Message);
        Assert.Contains("nested", Assert.Throws<ModelException>(() => Pattern.Parse(new string('[', 1000))).Message);
        Assert.Contains("16385", Assert.Throws<ModelException>(() => Pattern.Parse(new string('a', 16385))).Message);
    }

    [Fact]
    public void Cover_CatastrophicPattern_EndsAtItsBound()
    {
        var e = Assert.Throws<ModelException>(() => Cover("(?:a|aa)+b", new string('a', 200)));
        Assert.Contains("steps", e.Message);
    }

    [Fact]
    public void Cover_LongRuns_TakeStepsInProportion()
    {
        string text = new(' ', 100_000);
        Assert.Equal(2, Cover(@"\s+(?!\S)|\s+", text + "x").Split('|').Length - 1);
        Assert.Equal($"[{text}]", Cover(@"\s*[\r\n]+|\s+(?!\S)|\s+", text));
    }
}
