namespace Swarm.Models.Tests.Fuzzing;

internal static class ModelErrors
{
    /// <summary>The word for the report of the error that readers of model files promise.</summary>
    public static string? Typed(Exception error) => error is ModelException model ? model.Error.ToString() : null;

    /// <summary>For parsers of JSON the header is JSON itself.</summary>
    public static bool PastJson(Exception? error) =>
        error is null || !(error.Message.Contains("is not JSON", StringComparison.Ordinal) || error.Message.Contains("is not UTF-8", StringComparison.Ordinal));
}
