using System.Diagnostics.Metrics;

namespace Swarm.Protocol.Dht;

/// <summary>What the DHT's peers of this process measure. Costs a comparison where nobody listens.</summary>
internal static class DhtMeter
{
    public const string Name = "Swarm.Dht";

    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<double> Rounds = Meter.CreateHistogram(
        "swarm.dht.lookup.rounds", "{round_trip}", "Round trips that look-ups of records took.", null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0, 1, 2, 3, 4, 5, 6, 8, 12] });

    private static readonly Counter<long> Refusals =
        Meter.CreateCounter<long>("swarm.dht.refusals", "{record}", "Records that were refused, by reason; those that are merely known already are not counted.");

    public static void LookedUp(int rounds) => Rounds.Record(rounds);

    public static void Refused(RecordRefusal refusal)
    {
        if (Refusals.Enabled)
            Refusals.Add(1, new KeyValuePair<string, object?>("error.type", Enum.GetName(refusal) ?? "Unknown"));
    }
}
