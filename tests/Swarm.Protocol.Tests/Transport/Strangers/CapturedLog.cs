using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Swarm.Protocol.Tests.Transport.Strangers;

/// <summary>Keeps what is logged.</summary>
internal sealed class CapturedLog : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> _entries = [];

    public IEnumerable<string> Above(LogLevel level) => _entries.Where(entry => entry.Level > level).Select(entry => $"{entry.Level}: {entry.Text}");

    public IEnumerable<string> All => _entries.Select(entry => $"{entry.Level}: {entry.Text}");

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _entries.Enqueue((logLevel, formatter(state, exception) + (exception is null ? "" : " " + exception)));
}
