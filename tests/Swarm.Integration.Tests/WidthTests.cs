using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary>Whatever vectors the processor is said to have, however the text is cut and on however many threads: the same file, bit for bit.</summary>
public sealed class WidthTests
{
    private const string Text = "The quick brown fox jumps over the lazy dog.";

    [Theory]
    [InlineData("DOTNET_PreferredVectorBitWidth", "512")]
    [InlineData("DOTNET_EnableAVX2", "0")]
    [InlineData("DOTNET_EnableAVX", "0")]
    [InlineData("DOTNET_EnableHWIntrinsic", "0")]
    public async Task Score_UnderAnotherVectorWidth_WritesTheSameFile(string variable, string value)
    {
        byte[] expected = await ScoreAsync([], new Dictionary<string, string>());
        byte[] actual = await ScoreAsync([], new Dictionary<string, string> { [variable] = value });
        Assert.True(expected.AsSpan().SequenceEqual(actual), $"{variable}={value} changes bits");
    }

    [Theory]
    [InlineData("--threads", "1", "--chunk", "1")]
    [InlineData("--threads", "2", "--chunk", "7")]
    [InlineData("--threads", "2", "--batch", "8")]
    public async Task Score_InOtherPasses_WritesTheSameFile(params string[] arguments)
    {
        byte[] expected = await ScoreAsync([], new Dictionary<string, string>());
        byte[] actual = await ScoreAsync(arguments, new Dictionary<string, string>());
        Assert.True(expected.AsSpan().SequenceEqual(actual), $"{string.Join(' ', arguments)} changes bits");
    }

    private static async Task<byte[]> ScoreAsync(string[] arguments, Dictionary<string, string> environment)
    {
        using TemporaryFolder folder = new();
        string output = folder.File("logits.safetensors");
        environment["SWARM_HOME"] = folder.File("home");
        SwarmResult result = await SwarmProcess.RunAsync(["score", "--local", "--text", Text, "--logits", output, "--hidden", "--json", .. arguments], null, environment);
        Assert.True(result.ExitCode == 0, result.Error);
        return await File.ReadAllBytesAsync(output);
    }
}
