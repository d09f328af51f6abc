using System.Diagnostics.Metrics;
using System.Text;

namespace Swarm.Node.Metrics;

/// <summary>All series of one name. Recording into a known series allocates nothing.</summary>
internal sealed class MetricFamily
{
    /// <summary>Most series; whatever comes beyond is summed under <c>otel_metric_overflow="true"</c>, so that no peer can fill the memory with labels.</summary>
    public const int MaxSeries = 256;

    private const int MaxLabelLength = 256;

    // For instruments that advise none: seconds, as OpenTelemetry's conventions for durations have them.
    private static readonly double[] DefaultBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    private readonly Lock _lock = new();
    private readonly List<(KeyValuePair<string, object?>[] Tags, MetricSeries Series)> _known = [];
    private readonly Dictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);
    private readonly bool _adds;

    public MetricFamily(string name, MetricKind kind, Instrument instrument)
    {
        Name = name;
        Kind = kind;
        Help = instrument.Description ?? "";
        Bounds = kind == MetricKind.Histogram ? BoundsOf(instrument) : [];
        IsObservable = instrument.IsObservable;
        _adds = IsObservable || kind != MetricKind.Gauge || instrument.GetType().GetGenericTypeDefinition() != typeof(Gauge<>);
    }

    public string Name { get; }

    public MetricKind Kind { get; }

    public string Help { get; }

    public double[] Bounds { get; }

    /// <summary>Its figures are asked for when they are read, and not told when they change.</summary>
    public bool IsObservable { get; }

    /// <summary>What an instrument is to Prometheus.</summary>
    public static MetricKind KindOf(Instrument instrument)
    {
        Type type = instrument.GetType().GetGenericTypeDefinition();
        if (type == typeof(Histogram<>))
            return MetricKind.Histogram;
        return type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? MetricKind.Counter : MetricKind.Gauge;
    }

    /// <summary>An observable's figures are told anew at each reading; two instruments of one name add up.</summary>
    public void Restart()
    {
        if (!IsObservable)
            return;
        lock (_lock)
        {
            foreach (MetricSeries series in _series.Values)
                series.Restart();
        }
    }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_lock)
        {
            MetricSeries series = Find(tags);
            if (Kind == MetricKind.Histogram)
                series.Record(value);
            else if (_adds)
                series.Add(value);
            else
                series.Set(value);
        }
    }

    /// <summary>Hands out each series that has a figure, in the order of the labels.</summary>
    public void Read(Action<MetricSeries> read)
    {
        lock (_lock)
        {
            foreach (MetricSeries series in _series.Values.Where(series => series.IsSeen).OrderBy(series => series.Labels, StringComparer.Ordinal))
                read(series);
        }
    }

    private static double[] BoundsOf(Instrument instrument)
    {
        IReadOnlyList<double>? advised = instrument switch
        {
            Histogram<double> histogram => histogram.Advice?.HistogramBucketBoundaries,
            Histogram<long> histogram => histogram.Advice?.HistogramBucketBoundaries?.Select(bound => (double)bound).ToArray(),
            _ => null,
        };
        return advised is { Count: > 0 } ? [.. advised] : DefaultBounds;
    }

    private static bool Same(KeyValuePair<string, object?>[] known, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (known.Length != tags.Length)
            return false;
        for (int i = 0; i < known.Length; i++)
        {
            if (known[i].Key != tags[i].Key || !Equals(known[i].Value, tags[i].Value))
                return false;
        }

        return true;
    }

    // Names sorted; names that become equal when cleaned are joined, as the rules of compatibility say.
    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var values = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach ((string key, object? value) in tags)
        {
            string name = PrometheusNames.Label(key);
            string text = Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "";
            values[name] = values.TryGetValue(name, out string? other) ? other + ";" + text : text;
        }

        var labels = new StringBuilder();
        foreach ((string name, string value) in values)
        {
            if (labels.Length > 0)
                labels.Append(',');
            labels.Append(name).Append("=\"");
            PrometheusText.EscapeLabel(labels, value.Length <= MaxLabelLength ? value : value[..MaxLabelLength]);
            labels.Append('"');
        }

        return labels.ToString();
    }

    private MetricSeries Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach ((KeyValuePair<string, object?>[] known, MetricSeries series) in _known)
        {
            if (Same(known, tags))
                return series;
        }

        bool overflow = _known.Count >= MaxSeries;
        string labels = overflow ? "otel_metric_overflow=\"true\"" : Labels(tags);
        if (!_series.TryGetValue(labels, out MetricSeries? found))
            _series.Add(labels, found = new MetricSeries(labels, Bounds));
        if (!overflow)
            _known.Add((tags.ToArray(), found));
        return found;
    }
}
