using System.Diagnostics.Metrics;
using Swarm.Protocol;

namespace Swarm.Node.Metrics;

/// <summary>What a node's steps and sessions measure as they happen. Costs a comparison where nobody listens, and allocates nothing where somebody does.</summary>
internal static class NodeMeter
{
    /// <summary>The meter's name, also of what a node tells of itself when asked (<see cref="NodeMetrics"/>).</summary>
    public const string Name = "Swarm.Node";

    private static readonly Meter Meter = new(Name);
    private static readonly KeyValuePair<string, object?> Decode = new("swarm.step.kind", "decode");
    private static readonly KeyValuePair<string, object?> Prefill = new("swarm.step.kind", "prefill");

    private static readonly InstrumentAdvice<double> Bounds = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    private static readonly Counter<long> Tokens =
        Meter.CreateCounter<long>("swarm.node.tokens", "{token}", "Positions that passed this node's blocks.");

    private static readonly Counter<long> PrefixTokens =
        Meter.CreateCounter<long>("swarm.node.prefix.tokens", "{token}", "Positions that sessions began with, from earlier sessions of their clients, and that were not computed again.");

    private static readonly Histogram<double> Steps =
        Meter.CreateHistogram("swarm.node.step.duration", "s", "How long steps were computed.", null, Bounds);

    private static readonly Histogram<double> Queues =
        Meter.CreateHistogram("swarm.node.step.queue.duration", "s", "How long steps waited before they were computed.", null, Bounds);

    private static readonly Counter<long> Faults =
        Meter.CreateCounter<long>("swarm.node.faults", "{fault}", "Sessions and frames that were refused or ended by a fault, by its kind.");

    /// <summary>A step left the device.</summary>
    /// <param name="tokens">Its positions; one is a decode step.</param>
    public static void StepDone(int tokens, TimeSpan computed, TimeSpan queued)
    {
        if (!Tokens.Enabled)
            return;
        KeyValuePair<string, object?> kind = tokens == 1 ? Decode : Prefill;
        Tokens.Add(tokens, kind);
        Steps.Record(computed.TotalSeconds, kind);
        Queues.Record(queued.TotalSeconds, kind);
    }

    /// <summary>A session began with positions that were computed in an earlier one.</summary>
    public static void Skipped(int tokens)
    {
        if (tokens > 0 && PrefixTokens.Enabled)
            PrefixTokens.Add(tokens);
    }

    public static void Faulted(FaultKind kind)
    {
        if (Faults.Enabled)
            Faults.Add(1, new KeyValuePair<string, object?>("error.type", Enum.GetName(kind) ?? "Unknown"));
    }
}
