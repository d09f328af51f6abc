using Microsoft.Extensions.Logging;
using Swarm.Cli.Framework;

namespace Swarm.Cli.Logging;

/// <summary>How this program's commands log: lines on stderr by category, chosen with <c>--log</c>.</summary>
internal static class ProgramLog
{
    public static readonly Setting<LogLevels?> Levels = new(
        "log", "LEVEL", "what is logged to stderr: a level, or CATEGORY=LEVEL, joined by commas (default: information for a daemon without a terminal, else warning)",
        LogLevels.Parse, null);

    /// <param name="daemon">The command runs for long, and its log is what is known of it.</param>
    public static ILoggerFactory Create(CommandContext context, bool daemon)
    {
        LogLevels levels = context.Get(Levels) ?? new LogLevels(null, new Dictionary<string, LogLevel>());
        LogLevel fallback = daemon && !context.Host.ErrorIsTerminal ? LogLevel.Information : LogLevel.Warning;
        bool journal = !context.Host.ErrorIsTerminal && context.Host.Environment("JOURNAL_STREAM") is { Length: > 0 };
        LineLoggerProvider lines = new(context.Error, journal, (category, level) => levels.Shows(category, level, fallback), context.Time);
        return LoggerFactory.Create(builder => builder.SetMinimumLevel(LogLevel.Trace).AddProvider(lines));
    }
}
