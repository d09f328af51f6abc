using System.Text;

namespace Swarm.Node.Metrics;

/// <summary>OpenTelemetry's names and units as Prometheus writes them, by OpenTelemetry's rules of compatibility: unit and <c>_total</c> become part of the name.</summary>
internal static class PrometheusNames
{
    private static readonly Dictionary<string, string> Units = new(StringComparer.Ordinal)
    {
        ["s"] = "seconds", ["ms"] = "milliseconds", ["us"] = "microseconds", ["ns"] = "nanoseconds", ["min"] = "minutes", ["h"] = "hours", ["d"] = "days",
        ["By"] = "bytes", ["KiBy"] = "kibibytes", ["MiBy"] = "mebibytes", ["GiBy"] = "gibibytes",
        ["Hz"] = "hertz", ["Cel"] = "celsius", ["W"] = "watts", ["J"] = "joules", ["V"] = "volts", ["A"] = "amperes", ["%"] = "percent",
    };

    private static readonly Dictionary<string, string> PerUnits = new(StringComparer.Ordinal)
    {
        ["s"] = "second", ["min"] = "minute", ["h"] = "hour", ["d"] = "day",
    };

    /// <summary>A family's name.</summary>
    public static string Metric(string name, string? unit, MetricKind kind)
    {
        var text = new StringBuilder(Clean(name, colons: true));
        if (kind == MetricKind.Counter && EndsWith(text, "_total"))
            text.Length -= "_total".Length;
        string suffix = Unit(unit, kind);
        if (suffix.Length > 0 && !EndsWith(text, "_" + suffix))
            text.Append('_').Append(suffix);
        if (kind == MetricKind.Counter)
            text.Append("_total");
        return text.ToString();
    }

    /// <summary>A label's name.</summary>
    public static string Label(string name) => Clean(name, colons: false);

    /// <summary>The unit as a word; empty where there is none. Annotations in braces count things and are left out.</summary>
    private static string Unit(string? unit, MetricKind kind)
    {
        if (string.IsNullOrEmpty(unit))
            return "";
        if (unit == "1")
            return kind == MetricKind.Gauge ? "ratio" : "";
        string[] parts = unit.Split('/', 2);
        string first = Word(parts[0], Units);
        if (parts.Length == 1)
            return first;
        string per = "per_" + Word(parts[1], PerUnits);
        return first.Length == 0 ? per : first + "_" + per;
    }

    private static string Word(string unit, Dictionary<string, string> words)
    {
        int open = unit.IndexOf('{', StringComparison.Ordinal);
        string plain = open >= 0 ? unit[..open] : unit;
        return words.TryGetValue(plain, out string? word) ? word : Clean(plain, colons: false).Trim('_');
    }

    private static bool EndsWith(StringBuilder text, string end) =>
        text.Length >= end.Length && text.ToString(text.Length - end.Length, end.Length) == end;

    private static string Clean(string name, bool colons)
    {
        var text = new StringBuilder(name.Length);
        foreach (char letter in name)
        {
            bool fits = char.IsAsciiLetterOrDigit(letter) || (colons && letter == ':');
            if (fits)
                text.Append(letter);
            else if (text.Length == 0 || text[^1] != '_')
                text.Append('_');
        }

        if (text.Length > 0 && char.IsAsciiDigit(text[0]))
            text.Insert(0, '_');
        return text.ToString();
    }
}
