using System.Text.Json;
using Swarm.Models.Tokenizers.Normalizing;
using Swarm.Testing;

namespace Swarm.Models.Tests.Tokenizers;

public sealed class UnicodeNormalizerTests
{
    [Theory]
    [InlineData((int)UnicodeForm.Nfc, "nfc")]
    [InlineData((int)UnicodeForm.Nfd, "nfd")]
    [InlineData((int)UnicodeForm.Nfkc, "nfkc")]
    [InlineData((int)UnicodeForm.Nfkd, "nfkd")]
    public void Apply_TextsOfCombiningCharacters_EqualsReference(int form, string name)
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("unicode/normalization.json")));
        var normalizer = new UnicodeNormalizer((UnicodeForm)form);
        int changed = 0;
        foreach (JsonElement c in golden.RootElement.EnumerateArray())
        {
            string text = c.GetProperty("text").GetString()!, expected = c.GetProperty(name).GetString()!;
            Assert.Equal(expected, normalizer.Apply(text));
            Assert.Equal(expected, normalizer.Apply(expected));
            changed += text == expected ? 0 : 1;
        }

        Assert.True(changed > 80, $"only {changed} texts were not normalized already");
    }

    [Theory]
    [InlineData("a\u030D\u0300", "a\u030D\u0300")]
    [InlineData("a\u0316\u0300", "\u00E0\u0316")]
    [InlineData("\u1100\u1161\u0316\u11A8", "\uAC00\u0316\u11A8")]
    [InlineData("A\u030A\u0301", "\u01FA")]
    public void Apply_MarkBehindAnother_ComposesUnlessBlocked(string text, string expected) =>
        Assert.Equal(expected, new UnicodeNormalizer(UnicodeForm.Nfc).Apply(text));

    [Fact]
    public void Apply_Ascii_IsTheSameObject()
    {
        string text = "plain text";
        Assert.Same(text, new UnicodeNormalizer(UnicodeForm.Nfkd).Apply(text));
    }
}
