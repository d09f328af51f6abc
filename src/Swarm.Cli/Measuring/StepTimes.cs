namespace Swarm.Cli.Measuring;

/// <summary>What one decode step took.</summary>
/// <param name="Seconds">From the token id to its logits.</param>
/// <param name="ChainSeconds">Of these, from hidden states sent to hidden states back.</param>
/// <param name="ComputeSeconds">Of these, on the hops' devices.</param>
internal readonly record struct StepTimes(double Seconds, double ChainSeconds, double ComputeSeconds);
