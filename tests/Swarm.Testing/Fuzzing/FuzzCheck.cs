using Xunit;
using Xunit.Abstractions;

namespace Swarm.Testing.Fuzzing;

/// <summary>A fuzz test in one line.</summary>
public static class FuzzCheck
{
    /// <summary>Runs a target as long as the environment says, prints the report, and holds it to its share of inputs that get past the header.</summary>
    public static void Run(FuzzTarget target, ITestOutputHelper output)
    {
        FuzzSettings settings = FuzzSettings.FromEnvironment();
        FuzzReport report = Fuzzer.Run(target, settings);
        output.WriteLine(report.ToString());
        if (settings.Only is null)
            Assert.True(report.PastHeaderShare >= 0.3, $"expected at least 30 % past the header: {report}");
    }
}
