using Swarm.Models;
using Swarm.Testing;

namespace Swarm.Hub.Tests;

public sealed class HubOptionsTests
{
    [Theory]
    [InlineData("HOME=/h", "/h/.cache/huggingface/hub")]
    [InlineData("HOME=/h XDG_CACHE_HOME=/c", "/c/huggingface/hub")]
    [InlineData("HOME=/h XDG_CACHE_HOME=/c HF_HOME=/f", "/f/hub")]
    [InlineData("HOME=/h HF_HOME=~/f", "/h/f/hub")]
    [InlineData("HOME=/h HF_HOME=/f HF_HUB_CACHE=/x", "/x")]
    public void FromEnvironment_Cache_IsWhereOtherProgramsHaveIt(string environment, string folder)
    {
        if (!OperatingSystem.IsWindows())
            Assert.Equal(folder, Read(environment).CacheFolder);
    }

    [Fact]
    public void FromEnvironment_Token_IsGivenOrInAFile()
    {
        using TemporaryFolder home = new();
        Assert.Null(Read($"HF_HOME={home.Path}").Token);
        File.WriteAllText(home.File("token"), "hf_of_the_home\n");
        File.WriteAllText(home.File("other"), " hf_other ");

        Assert.Equal("hf_of_the_home", Read($"HF_HOME={home.Path}").Token);
        Assert.Equal("hf_other", Read($"HF_HOME={home.Path} HF_TOKEN_PATH={home.File("other")}").Token);
        Assert.Equal("hf_given", Read($"HF_HOME={home.Path} HF_TOKEN=hf_given").Token);
        Assert.Equal(ModelError.InvalidArgument, Assert.Throws<ModelException>(() => Read("HF_TOKEN=a\nb")).Error);
    }

    [Theory]
    [InlineData("https://hub.example", "https://hub.example/")]
    [InlineData("https://hub.example/mirror/", "https://hub.example/mirror/")]
    [InlineData("http://127.0.0.1:8080", "http://127.0.0.1:8080/")]
    public void FromEnvironment_Endpoint_IsTaken(string given, string endpoint) => Assert.Equal(endpoint, Read($"HF_ENDPOINT={given}").Endpoint.ToString());

    [Theory]
    [InlineData("http://hub.example")]
    [InlineData("ftp://hub.example")]
    [InlineData("https://user:word@hub.example")]
    [InlineData("hub.example")]
    public void FromEnvironment_EndpointWithoutEncryption_IsRefused(string given)
    {
        var exception = Assert.Throws<ModelException>(() => Read($"HF_ENDPOINT={given}"));

        Assert.Equal(ModelError.InvalidArgument, exception.Error);
        Assert.Contains("HF_ENDPOINT", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("True", true)]
    [InlineData("0", false)]
    [InlineData("", false)]
    public void FromEnvironment_Offline_IsRead(string given, bool offline) => Assert.Equal(offline, Read($"HF_HUB_OFFLINE={given}").Offline);

    private static HubOptions Read(string environment)
    {
        var values = environment.Split(' ').Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        return HubOptions.FromEnvironment(values.GetValueOrDefault, TimeProvider.System, () => 0.5);
    }
}
