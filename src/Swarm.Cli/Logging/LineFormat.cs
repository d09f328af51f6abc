using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Swarm.Cli.Logging;

/// <summary>One log message as one line of text.</summary>
internal static class LineFormat
{
    /// <summary>For people: time in UTC, level, category, message.</summary>
    public static string Plain(DateTimeOffset time, LogLevel level, string category, string message, Exception? exception) =>
        string.Create(CultureInfo.InvariantCulture, $"{time.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ} {Word(level)} {category}: {OneLine(message, exception)}");

    /// <summary>For systemd's journal, which keeps the time itself: the priority in front, as sd-daemon(3) says.</summary>
    public static string Journal(LogLevel level, string category, string message, Exception? exception) =>
        $"<{Priority(level)}>{category}: {OneLine(message, exception)}";

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        _ => "crit",
    };

    private static int Priority(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => 7,
        LogLevel.Information => 6,
        LogLevel.Warning => 4,
        LogLevel.Error => 3,
        _ => 2,
    };

    // A peer's words may stand in a message: no line of its own, no sequence that a terminal obeys.
    private static string OneLine(string message, Exception? exception)
    {
        if (exception is not null)
            message = $"{message} {exception.GetType().Name}: {exception.Message}{(exception.StackTrace is { } trace ? " " + trace.Trim() : "")}";
        if (!message.Any(char.IsControl))
            return message;
        StringBuilder line = new(message.Length);
        foreach (char letter in message)
        {
            bool blank = char.IsControl(letter);
            if (!blank)
                line.Append(letter);
            else if (line.Length > 0 && line[^1] != ' ')
                line.Append(' ');
        }

        return line.ToString();
    }
}
