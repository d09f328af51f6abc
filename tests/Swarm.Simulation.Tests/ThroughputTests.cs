using Xunit.Abstractions;

namespace Swarm.Simulation.Tests;

public sealed class ThroughputTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1e-3, 4000, 0.95)]
    [InlineData(1e-2, 2000, 0.7)]
    public void Run_KillsNowAndThen_MostOfTheThroughputStays(double faultsPerToken, int tokens, double least)
    {
        ThroughputStudy undisturbed = ThroughputStudy.Run(1, tokens, 0);
        ThroughputStudy disturbed = ThroughputStudy.Run(1, tokens, faultsPerToken);
        double share = disturbed.TokensPerSecond / undisturbed.TokensPerSecond;

        output.WriteLine($"{disturbed.Kills} kills, {disturbed.Recoveries} recoveries in {disturbed.Tokens} tokens: {disturbed.TokensPerSecond:F2} of {undisturbed.TokensPerSecond:F2} tokens/s, {share:P1}");
        Assert.Equal(undisturbed.Text, disturbed.Text);
        Assert.InRange(1 / undisturbed.TokensPerSecond, 0.045, 0.058);
        Assert.True(disturbed.Kills >= tokens * faultsPerToken / 2, $"{disturbed.Kills} kills");
        Assert.True(disturbed.Recoveries >= disturbed.Kills / 2, $"{disturbed.Recoveries} recoveries");
        Assert.True(share >= least, $"{share:P1}");
    }
}
