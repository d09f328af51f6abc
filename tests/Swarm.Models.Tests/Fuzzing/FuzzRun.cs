using Swarm.Testing.Fuzzing;
using Xunit.Abstractions;

namespace Swarm.Models.Tests.Fuzzing;

internal static class FuzzRun
{
    /// <summary>Runs a target as long as the environment says, and holds it to its share of inputs that get past the header.</summary>
    public static void Check(FuzzTarget target, ITestOutputHelper output)
    {
        FuzzSettings settings = FuzzSettings.FromEnvironment();
        FuzzReport report = Fuzzer.Run(target, settings);
        output.WriteLine(report.ToString());
        if (settings.Only is null)
            Assert.True(report.PastHeaderShare >= 0.3, $"expected at least 30 % past the header: {report}");
    }

    public static string? ModelError(Exception error) => error is ModelException model ? model.Error.ToString() : null;

    /// <summary>For parsers of JSON the header is JSON itself.</summary>
    public static bool PastJson(Exception? error) =>
        error is null || !(error.Message.Contains("is not JSON", StringComparison.Ordinal) || error.Message.Contains("is not UTF-8", StringComparison.Ordinal));
}
