using System.Diagnostics;
using System.Diagnostics.Metrics;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>What the transports of this process measure, by OpenTelemetry's names for calls. Costs a comparison where nobody listens.</summary>
public static class TransportMeter
{
    /// <summary>The meter's name.</summary>
    public const string Name = "Swarm.Transport";

    private static readonly Meter Meter = new(Name);

    // A call that carries a link lives for hours: the last bounds are for those.
    private static readonly InstrumentAdvice<double> Bounds = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600],
    };

    private static readonly string[] Codes =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ];

    private static readonly Histogram<double> Served =
        Meter.CreateHistogram("rpc.server.call.duration", "s", "How long calls that others made took.", null, Bounds);

    private static readonly Histogram<double> Made =
        Meter.CreateHistogram("rpc.client.call.duration", "s", "How long calls to others took.", null, Bounds);

    private static readonly Counter<long> Refused =
        Meter.CreateCounter<long>("swarm.transport.refusals", "{connection}", "Connections that were refused, by reason.");

    private static readonly Counter<long> Began =
        Meter.CreateCounter<long>("swarm.transport.calls", "{call}", "Calls begun, by the kind of connection that carries them.");

    static TransportMeter()
    {
        Meter.CreateObservableCounter("swarm.wire.sent", static () => WireTraffic.Process.SentBytes, "By", "Bytes sent on peer connections, TLS included.");
        Meter.CreateObservableCounter("swarm.wire.received", static () => WireTraffic.Process.ReceivedBytes, "By", "Bytes received on peer connections, TLS included.");
    }

    /// <summary>Instruments come to be with their class: called once, so that those that are asked for exist before the first call.</summary>
    public static void Ready()
    {
    }

    /// <summary>A call begins on a connection of some kind.</summary>
    /// <param name="wire"><c>lane</c> or <c>http2</c>.</param>
    internal static void BeganCall(string wire) => Began.Add(1, new KeyValuePair<string, object?>("swarm.wire.kind", wire));

    /// <summary>A connection was turned away.</summary>
    /// <param name="reason">One of few fixed words.</param>
    public static void RefusedConnection(string reason) => Refused.Add(1, new KeyValuePair<string, object?>("error.type", reason));

    internal static bool MeasuresServed => Served.Enabled;

    internal static bool MeasuresMade => Made.Enabled;

    /// <param name="method">The full name, or null when it is not served here: a caller's word is no label.</param>
    internal static void ServedCall(string? method, StatusCode code, TimeSpan duration) => Record(Served, method ?? "_OTHER", code, duration);

    internal static void MadeCall(string method, StatusCode code, TimeSpan duration) => Record(Made, method, code, duration);

    private static void Record(Histogram<double> histogram, string method, StatusCode code, TimeSpan duration)
    {
        TagList tags = new()
        {
            { "rpc.system.name", "grpc" },
            { "rpc.method", method.TrimStart('/') },
            { "rpc.response.status_code", (int)code < Codes.Length ? Codes[(int)code] : "UNKNOWN" },
        };
        histogram.Record(duration.TotalSeconds, tags);
    }
}
