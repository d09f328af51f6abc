using System.Diagnostics.Metrics;

namespace Swarm.Cli.Serving;

/// <summary>Tokens that this process's node computed a second, from the counter that it keeps.</summary>
internal sealed class TokenRate : IDisposable
{
    private const string Meter = "Swarm.Node";
    private const string Counter = "swarm.node.tokens";

    private readonly MeterListener _listener = new();
    private readonly TimeProvider _time;
    private long _tokens;
    private long _seenTokens;
    private long _seenAt;

    public TokenRate(TimeProvider time)
    {
        _time = time;
        _seenAt = time.GetTimestamp();
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == Meter && instrument.Name == Counter)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref _tokens, value));
        _listener.Start();
    }

    /// <summary>Tokens a second since the last call.</summary>
    public double Take()
    {
        long tokens = Interlocked.Read(ref _tokens);
        double seconds = _time.GetElapsedTime(_seenAt).TotalSeconds;
        double rate = seconds > 0 ? (tokens - _seenTokens) / seconds : 0;
        _seenTokens = tokens;
        _seenAt = _time.GetTimestamp();
        return rate;
    }

    public void Dispose() => _listener.Dispose();
}
