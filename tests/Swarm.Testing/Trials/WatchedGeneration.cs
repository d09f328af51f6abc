using System.Text.Json;
using Swarm.Testing.Networks;
using Swarm.Testing.Processes;

namespace Swarm.Testing.Trials;

/// <summary>A <c>generate</c> process under way, whose events a trial waits for in order to do harm at the right moment.</summary>
public sealed class WatchedGeneration : IAsyncDisposable
{
    private readonly SwarmProcess _process;

    private WatchedGeneration(SwarmProcess process) => _process = process;

    public static WatchedGeneration Start(string invite, IReadOnlyList<string> arguments, NetworkHost? host = null) =>
        new(SwarmProcess.Start(["generate", "--json", "--threads", "1", "--join", invite, .. arguments], host: host));

    /// <summary>Ends when the chain is open; the peers of its hops in order, none when the run ended before.</summary>
    public async Task<IReadOnlyList<string>> WaitForRouteAsync()
    {
        string? route = null;
        await _process.WaitForLinesAsync(lines => (route = lines.FirstOrDefault(line => IsEvent(line, "route")).Text) is not null, "event 'route'");
        return route is null ? [] : [.. JsonElement.Parse(route).GetProperty("hops").EnumerateArray().Select(hop => hop.GetProperty("peer").GetString()!)];
    }

    /// <summary>Ends when so many events of a name have come, or the run is over; false then.</summary>
    public Task<bool> WaitForEventsAsync(string name, int count) =>
        _process.WaitForLinesAsync(lines => lines.Count(line => IsEvent(line, name)) >= count, $"{count} events '{name}'");

    public async Task<GenerationOutcome> FinishAsync() => new(await _process.WaitForExitAsync());

    public void Freeze() => _process.Freeze();

    public void Kill() => _process.Kill();

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    internal static bool IsEvent(OutputLine line, string name) => line.Text?.StartsWith($"{{\"event\":\"{name}\"", StringComparison.Ordinal) == true;
}
