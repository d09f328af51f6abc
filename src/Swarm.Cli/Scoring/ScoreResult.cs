using Swarm.Client;

namespace Swarm.Cli.Scoring;

/// <summary>Losses of a text in nats, one a position from the second token on.</summary>
internal sealed record ScoreResult(double[] Loss, double Seconds, ChainRoute Route)
{
    /// <summary>NaN when the text has a single token.</summary>
    public double MeanLoss { get; } = Loss.Length == 0 ? double.NaN : Loss.Sum() / Loss.Length;

    public double Perplexity => Math.Exp(MeanLoss);
}
