using Swarm.Models;

namespace Swarm.Hub.Tests;

public sealed class HubReferenceTests
{
    [Theory]
    [InlineData("org/name", "org/name", "main", null)]
    [InlineData("org/Name-1.5_x", "org/Name-1.5_x", "main", null)]
    [InlineData("org/name:Q4_K_M", "org/name", "main", "Q4_K_M")]
    [InlineData("org/name:sub/file.gguf", "org/name", "main", "sub/file.gguf")]
    [InlineData("org/name@v1.0:Q8_0", "org/name", "v1.0", "Q8_0")]
    [InlineData("org/name@refs/pr/3", "org/name", "refs/pr/3", null)]
    public void Parse_Names_AreReadAndWrittenAgain(string text, string repository, string revision, string? selector)
    {
        var reference = HubReference.Parse(text);

        Assert.Equal((repository, revision, selector), (reference.Repository, reference.Revision, reference.Selector));
        Assert.Equal(text, reference.Text);
    }

    [Theory]
    [InlineData("name")]
    [InlineData("./org/name")]
    [InlineData("/org/name")]
    [InlineData("../name")]
    [InlineData("org/..")]
    [InlineData("a/b/c")]
    [InlineData("org/name.gguf")]
    [InlineData("org/na--me")]
    [InlineData("org/name@../x")]
    [InlineData("org/name:../x.gguf")]
    [InlineData("org/name:")]
    [InlineData("org/na me")]
    [InlineData("org/nä")]
    [InlineData("random:1GiB:q4_0")]
    [InlineData("")]
    public void Parse_OtherTexts_AreNone(string text)
    {
        Assert.Null(HubReference.TryParse(text));
        Assert.Equal(ModelError.InvalidArgument, Assert.Throws<ModelException>(() => HubReference.Parse(text)).Error);
    }
}
