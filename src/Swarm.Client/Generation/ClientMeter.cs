using System.Diagnostics.Metrics;

namespace Swarm.Client;

/// <summary>What generations of this process measure, by OpenTelemetry's names for generative models. Costs a comparison where nobody listens; never what was said.</summary>
internal static class ClientMeter
{
    public const string Name = "Swarm.Client";

    private static readonly Meter Meter = new(Name);
    private static readonly KeyValuePair<string, object?> Input = new("gen_ai.token.type", "input");
    private static readonly KeyValuePair<string, object?> Output = new("gen_ai.token.type", "output");

    private static readonly Counter<long> Tokens =
        Meter.CreateCounter<long>("swarm.client.tokens", "{token}", "Tokens of prompts and of answers.");

    private static readonly Histogram<double> FirstToken = Meter.CreateHistogram(
        "swarm.client.time_to_first_token", "s", "Time until an answer began.", null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60] });

    private static readonly Histogram<double> PerToken = Meter.CreateHistogram(
        "swarm.client.time_per_output_token", "s", "Time of each token after the first, the mean of an answer.", null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5] });

    /// <summary>An answer came to its end.</summary>
    public static void Generated(GenerationResult result)
    {
        if (!Tokens.Enabled)
            return;
        Tokens.Add(result.PromptTokens, Input);
        Tokens.Add(result.Tokens.Count, Output);
        FirstToken.Record(result.TimeToFirstToken.TotalSeconds);
        if (result.TokensPerSecond > 0)
            PerToken.Record(1 / result.TokensPerSecond);
    }
}
