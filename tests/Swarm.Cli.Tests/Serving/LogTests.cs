using Microsoft.Extensions.Logging;
using Swarm.Cli.Logging;

namespace Swarm.Cli.Tests.Serving;

/// <summary>Which messages are shown, and as what lines.</summary>
public sealed class LogTests
{
    private static readonly DateTimeOffset Time = new(2030, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    [Theory]
    [InlineData("warning", "Swarm.Node", LogLevel.Information, false)]
    [InlineData("warning", "Swarm.Node", LogLevel.Warning, true)]
    [InlineData("Swarm.Dht=debug", "Swarm.Dht", LogLevel.Debug, true)]
    [InlineData("Dht=debug", "Swarm.Dht", LogLevel.Debug, true)]
    [InlineData("dht=trace,error", "Swarm.Node", LogLevel.Warning, false)]
    [InlineData("dht=trace,error", "Swarm.Dht", LogLevel.Trace, true)]
    [InlineData("swarm=debug", "Swarm.Transport", LogLevel.Debug, true)]
    [InlineData("swarm=debug,Transport=none", "Swarm.Transport", LogLevel.Critical, false)]
    [InlineData("Dht=debug", "Swarm.Node", LogLevel.Information, true)] // the command's default stays
    [InlineData("debug", "Microsoft.AspNetCore.Server.Kestrel", LogLevel.Information, false)]
    [InlineData("Microsoft=debug", "Microsoft.AspNetCore.Server.Kestrel", LogLevel.Debug, true)]
    [InlineData("none", "Swarm.Node", LogLevel.Critical, false)]
    public void Levels_DecideByTheLongestCategory(string text, string category, LogLevel level, bool expected) =>
        Assert.Equal(expected, LogLevels.Parse(text)!.Shows(category, level, LogLevel.Information));

    [Theory]
    [InlineData("loud", "a level (trace, debug")]
    [InlineData("Dht=loud", "a level (trace, debug")]
    [InlineData("", "a level (trace, debug")]
    [InlineData("Dth=debug", "there is no category 'Dth'")]
    public void Levels_ThatAreNone_SayWhatWasExpected(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => LogLevels.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Line_OfAMessageWithControlCharacters_IsOneLine()
    {
        string line = LineFormat.Plain(Time, LogLevel.Information, "Swarm.Node", "peer said\r\n\u001b[31mred", new IOException("broken\npipe"));
        Assert.Equal("2030-01-02T03:04:05.678Z info Swarm.Node: peer said [31mred System.IO.IOException: broken pipe".Replace("System.IO.", "", StringComparison.Ordinal), line);
    }

    [Theory]
    [InlineData(LogLevel.Critical, "<2>Swarm.Node: gone")]
    [InlineData(LogLevel.Error, "<3>Swarm.Node: gone")]
    [InlineData(LogLevel.Warning, "<4>Swarm.Node: gone")]
    [InlineData(LogLevel.Information, "<6>Swarm.Node: gone")]
    [InlineData(LogLevel.Debug, "<7>Swarm.Node: gone")]
    public void Line_ForTheJournal_BeginsWithThePriority(LogLevel level, string expected) =>
        Assert.Equal(expected, LineFormat.Journal(level, "Swarm.Node", "gone", null));
}
