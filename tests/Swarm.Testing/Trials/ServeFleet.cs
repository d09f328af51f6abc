using System.Text.Json;
using Swarm.Testing.Networks;
using Swarm.Testing.Processes;

namespace Swarm.Testing.Trials;

/// <summary>Real nodes of one swarm on this machine, and an observer that tells when all of them are seen.</summary>
public sealed class ServeFleet : IAsyncDisposable
{
    private readonly List<ServeNode> _nodes = [];
    private readonly IReadOnlyList<string> _arguments;
    private SwarmProcess? _watch;

    private ServeFleet(IReadOnlyList<string> arguments) => _arguments = arguments;

    public IReadOnlyList<ServeNode> Nodes => _nodes;

    /// <summary>An invite of a node that is up.</summary>
    public string Invite => _nodes.First(node => node.IsUp).Invite;

    /// <summary>Starts a node for each span, the first of which founds the swarm, and waits until all are ready.</summary>
    /// <param name="spans">The blocks of each, as <c>A:B</c>.</param>
    /// <param name="arguments">Further arguments of <c>serve</c>.</param>
    /// <param name="hosts">Where each runs; null: all on the loopback address.</param>
    public static async Task<ServeFleet> StartAsync(IReadOnlyList<string> spans, IReadOnlyList<string> arguments, IReadOnlyList<NetworkHost>? hosts = null)
    {
        ServeFleet fleet = new(arguments);
        try
        {
            // One after another: many that load at once on a busy machine run into each other's time-outs.
            for (int index = 0; index < spans.Count; index++)
                await fleet.AddAsync(spans[index], hosts?[index]);
            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    /// <summary>One more node; ends when it is ready.</summary>
    public async Task<ServeNode> AddAsync(string blocks, NetworkHost? host = null)
    {
        ServeNode node = new(blocks, _arguments, _nodes.Count == 0 ? null : Invite, host);
        _nodes.Add(node);
        await node.WaitUntilReadyAsync();
        return node;
    }

    public ServeNode ByPeer(string peer) => _nodes.First(node => node.Peer == peer);

    /// <summary>Ends when <c>status --watch</c> sees every node serve.</summary>
    public async Task WaitUntilAllSeenAsync()
    {
        // An observer that lost the peers it began with is of no use: another then.
        for (int attempt = 0; attempt < 3; attempt++)
        {
            _watch ??= SwarmProcess.Start(["status", "--watch", "--json", "--join", Invite]);
            if (await _watch.WaitForLinesAsync(lines => lines.LastOrDefault().Text is { } last && Serving(last) == _nodes.Count, $"status with {_nodes.Count} nodes that serve"))
                return;
            await _watch.DisposeAsync();
            _watch = null;
        }

        throw new InvalidOperationException("status --watch ended three times");
    }

    public async ValueTask DisposeAsync()
    {
        if (_watch is not null)
            await _watch.DisposeAsync();
        foreach (ServeNode node in _nodes)
            await node.DisposeAsync();
    }

    private static int Serving(string line)
    {
        JsonElement json = JsonElement.Parse(line);
        return json.TryGetProperty("nodes", out JsonElement nodes)
            ? nodes.EnumerateArray().Count(node => node.GetProperty("state").GetString() == "serving")
            : 0;
    }
}
