using Microsoft.Extensions.Logging;
using Swarm.Cli.Framework;
using Swarm.Protocol;

namespace Swarm.Cli.Logging;

/// <summary>From which level on what is logged, by category.</summary>
/// <param name="Default">For all categories that are not named; null: the command's own default.</param>
/// <param name="Categories">By a category's name or its beginning.</param>
internal sealed record LogLevels(LogLevel? Default, IReadOnlyDictionary<string, LogLevel> Categories)
{
    private const string Expected = "a level (trace, debug, information, warning, error, none) or CATEGORY=LEVEL, several joined by commas";

    // Frameworks that the program stands on: their chatter is no news.
    private static readonly string[] Others = ["Microsoft", "System"];

    /// <summary><c>warning</c>, <c>Swarm.Dht=debug</c>, <c>information,Dht=trace</c>. The leading <c>Swarm.</c> may be left out.</summary>
    public static LogLevels? Parse(string text)
    {
        LogLevel? general = null;
        Dictionary<string, LogLevel> categories = new(StringComparer.Ordinal);
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
                general = Level(part);
            else
                categories[Category(part[..equals].Trim())] = Level(part[(equals + 1)..].Trim());
        }

        return new LogLevels(general, categories);
    }

    /// <summary>True when the category is logged at the level.</summary>
    /// <param name="fallback">The command's own default.</param>
    public bool Shows(string category, LogLevel level, LogLevel fallback)
    {
        LogLevel least = Default ?? fallback;
        if (least < LogLevel.Warning && Others.Any(other => Begins(category, other)))
            least = LogLevel.Warning;
        int longest = -1;
        foreach ((string name, LogLevel own) in Categories)
        {
            if (name.Length > longest && Begins(category, name))
                (longest, least) = (name.Length, own);
        }

        return level >= least && least != LogLevel.None;
    }

    private static bool Begins(string category, string name) =>
        category.StartsWith(name, StringComparison.OrdinalIgnoreCase) && (category.Length == name.Length || category[name.Length] == '.');

    private static LogLevel Level(string text) => text.ToLowerInvariant() switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "information" or "info" => LogLevel.Information,
        "warning" or "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "critical" => LogLevel.Critical,
        "none" => LogLevel.None,
        _ => throw new FormatException(Expected),
    };

    private static string Category(string text)
    {
        if (text.Equals("Swarm", StringComparison.OrdinalIgnoreCase) || Others.Any(other => Begins(text, other)))
            return text;
        return LogCategories.All.FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase) || name.Equals("Swarm." + text, StringComparison.OrdinalIgnoreCase))
            ?? throw new FormatException($"{Expected}; there is no category '{text}', the nearest is '{NearestName.Of(text, LogCategories.All)}'");
    }
}
