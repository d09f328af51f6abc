using Microsoft.Extensions.Logging;

namespace Swarm.Cli.Logging;

/// <summary>Loggers that write lines to stderr.</summary>
/// <param name="output">Safe for calls from several threads.</param>
/// <param name="journal">stderr is systemd's journal.</param>
internal sealed class LineLoggerProvider(TextWriter output, bool journal, Func<string, LogLevel, bool> shows, TimeProvider time) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Lines(this, categoryName);

    public void Dispose()
    {
    }

    private void Write(LogLevel level, string category, string message, Exception? exception)
    {
        try
        {
            output.WriteLine(journal ? LineFormat.Journal(level, category, message, exception) : LineFormat.Plain(time.GetUtcNow(), level, category, message, exception));
        }
        catch (Exception broken) when (broken is IOException or ObjectDisposedException)
        {
            // Nobody reads any more; the daemon's work goes on.
        }
    }

    private sealed class Lines(LineLoggerProvider owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None && owner.Shows(category, logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                owner.Write(logLevel, category, formatter(state, exception), exception);
        }
    }

    private bool Shows(string category, LogLevel level) => shows(category, level);
}
