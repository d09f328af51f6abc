using Swarm.Cli.Framework;
using Swarm.Kernels;
using Swarm.Models;

namespace Swarm.Cli.Tests;

public sealed class ValuesTests
{
    [Theory]
    [InlineData("4GiB", 4L << 30)]
    [InlineData("512 MiB", 512L << 20)]
    [InlineData("1.5GB", 1_500_000_000)]
    [InlineData("1000000", 1_000_000)]
    public void Bytes_Sizes_AreRead(string text, long expected) => Assert.Equal(expected, Values.Bytes(text));

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-1GiB")]
    [InlineData("0")]
    [InlineData("4 parsecs")]
    [InlineData("99999999999999TiB")]
    public void Bytes_Nonsense_IsRefused(string text) => Assert.Throws<FormatException>(() => Values.Bytes(text));

    [Fact]
    public void Blocks_Span_IsRead() => Assert.Equal(new BlockSpan(3, 7), Values.Blocks("3:7"));

    [Theory]
    [InlineData("7:3")]
    [InlineData("3:3")]
    [InlineData("3")]
    [InlineData("-1:3")]
    public void Blocks_Nonsense_IsRefused(string text) => Assert.Throws<FormatException>(() => Values.Blocks(text));

    [Fact]
    public void Integers_ListWithBracketsAndSpaces_IsRead() => Assert.Equal([1, 22, 3], Values.Integers("[1, 22,3]")!);

    [Fact]
    public void WeightFormats_List_IsRead() => Assert.Equal([WeightFormat.Q4_K, WeightFormat.IQ4_XS], Values.WeightFormats("q4_k, IQ4_XS"));

    [Theory]
    [InlineData("", "there is none")]
    [InlineData("q4_k,q4_k_m", "'q4_k_m' is none")]
    public void WeightFormats_Nonsense_NamesIt(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => Values.WeightFormats(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Number_OutOfRange_NamesTheRange() =>
        Assert.Equal("a number from 0 to 1.5", Assert.Throws<FormatException>(() => Values.Number(0, 1.5f)("2")).Message);

    [Theory]
    [InlineData("generate", "genreate")]
    [InlineData("serve", "srv")]
    public void NearestName_Typo_IsFound(string expected, string typo) => Assert.Equal(expected, NearestName.Of(typo, ["demo", "serve", "generate", "chat"]));
}
