using System.Diagnostics.Metrics;
using System.Text;

namespace Swarm.Node.Metrics;

/// <summary>
/// Listens to this process's meters and tells their figures in Prometheus' text format. Nothing is measured for it while none exists: instruments without a
/// listener cost a comparison.
/// </summary>
public sealed class MetricsCollector : IDisposable
{
    /// <summary>The media type of <see cref="Collect"/>.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly Lock _collecting = new();
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);

    /// <param name="accepts">Which meters, by name. Default: the program's own and the runtime's.</param>
    public MetricsCollector(Func<string, bool>? accepts = null)
    {
        accepts ??= static name => name.StartsWith("Swarm.", StringComparison.Ordinal) || name == "System.Runtime";
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (accepts(instrument.Meter.Name) && FamilyOf(instrument) is { } family)
                listener.EnableMeasurementEvents(instrument, family);
        };
        _listener.SetMeasurementEventCallback<byte>(static (_, value, tags, family) => Record(value, tags, family));
        _listener.SetMeasurementEventCallback<short>(static (_, value, tags, family) => Record(value, tags, family));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, family) => Record(value, tags, family));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => Record(value, tags, family));
        _listener.SetMeasurementEventCallback<float>(static (_, value, tags, family) => Record(value, tags, family));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => Record(value, tags, family));
        _listener.SetMeasurementEventCallback<decimal>(static (_, value, tags, family) => Record((double)value, tags, family));
        _listener.Start();
    }

    /// <summary>All figures as they are now.</summary>
    public string Collect()
    {
        // One at a time: observables tell their figures anew each time.
        lock (_collecting)
        {
            MetricFamily[] families = Families();
            foreach (MetricFamily family in families)
                family.Restart();
            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException)
            {
                // An instrument whose owner is just going is left out; the others have told theirs.
            }

            var text = new StringBuilder(16 << 10);
            foreach (MetricFamily family in Families())
                PrometheusText.Write(text, family);
            return text.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    private static void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? family) => ((MetricFamily)family!).Record(value, tags);

    private MetricFamily[] Families()
    {
        lock (_lock)
            return [.. _families.Values];
    }

    // Instruments of one name are one family; one of another kind under the same name cannot be told and is passed over.
    private MetricFamily? FamilyOf(Instrument instrument)
    {
        MetricKind kind = MetricFamily.KindOf(instrument);
        string name = PrometheusNames.Metric(instrument.Name, instrument.Unit, kind);
        lock (_lock)
        {
            if (!_families.TryGetValue(name, out MetricFamily? family))
                _families.Add(name, family = new MetricFamily(name, kind, instrument));
            return family.Kind == kind && family.IsObservable == instrument.IsObservable ? family : null;
        }
    }
}
