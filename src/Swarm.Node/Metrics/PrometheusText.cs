using System.Globalization;
using System.Text;

namespace Swarm.Node.Metrics;

/// <summary>Prometheus' text format 0.0.4.</summary>
internal static class PrometheusText
{
    public static void Write(StringBuilder text, MetricFamily family)
    {
        int start = text.Length;
        if (family.Help.Length > 0)
        {
            text.Append("# HELP ").Append(family.Name).Append(' ');
            EscapeHelp(text, family.Help);
            text.Append('\n');
        }

        text.Append("# TYPE ").Append(family.Name).Append(' ').Append(TypeName(family.Kind)).Append('\n');
        int head = text.Length;
        family.Read(series =>
        {
            if (family.Kind == MetricKind.Histogram)
                WriteHistogram(text, family, series);
            else
                Sample(text, family.Name, "", series.Labels, series.Value);
        });
        if (text.Length == head)
            text.Length = start;
    }

    public static void EscapeLabel(StringBuilder text, string value)
    {
        foreach (char letter in value)
        {
            _ = letter switch
            {
                '\\' => text.Append(@"\\"),
                '"' => text.Append("\\\""),
                '\n' => text.Append(@"\n"),
                _ => text.Append(letter),
            };
        }
    }

    /// <summary>A value as Go reads it.</summary>
    public static string Number(double value) =>
        double.IsNaN(value) ? "NaN"
        : double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString("R", CultureInfo.InvariantCulture);

    private static void EscapeHelp(StringBuilder text, string value) => text.Append(value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal));

    private static string TypeName(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Gauge => "gauge",
        _ => "histogram",
    };

    private static void WriteHistogram(StringBuilder text, MetricFamily family, MetricSeries series)
    {
        string comma = series.Labels.Length > 0 ? "," : "";
        long total = 0;
        for (int i = 0; i < series.Buckets.Length; i++)
        {
            total += series.Buckets[i];
            string bound = i < family.Bounds.Length ? Number(family.Bounds[i]) : "+Inf";
            Sample(text, family.Name, "_bucket", $"{series.Labels}{comma}le=\"{bound}\"", total);
        }

        Sample(text, family.Name, "_sum", series.Labels, series.Value);
        Sample(text, family.Name, "_count", series.Labels, total);
    }

    private static void Sample(StringBuilder text, string name, string suffix, string labels, double value)
    {
        text.Append(name).Append(suffix);
        if (labels.Length > 0)
            text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }
}
