using System.Diagnostics;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>The programs under samples do what they say.</summary>
public sealed class SampleTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task Generate_AgainstASwarm_PrintsTheContinuationAndTheHops()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestData.DefaultModel, inMemory: false, SwarmCluster.Split(30, 2));
        // The sample is built in the same configuration as this test.
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        string program = Path.Combine(TestData.Root, "samples", "Generate", "bin", configuration, "net10.0", "Generate.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet")
        {
            ArgumentList = { program, cluster.Invite, TestData.DefaultModel, "The capital of France is" },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Patience);

        Assert.True(process.ExitCode == 0, await errors);
        Assert.Contains("Paris", await output);
        Assert.Contains("blocks 0:15", await output);
        Assert.Contains("blocks 15:30", await output);
    }
}
