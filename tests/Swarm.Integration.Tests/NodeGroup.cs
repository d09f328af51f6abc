using System.Text.Json;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary>Node processes of one swarm on the loopback address, each ready.</summary>
internal sealed class NodeGroup : IAsyncDisposable
{
    private readonly List<SwarmProcess> _nodes = [];
    private readonly List<JsonElement> _ready = [];

    public SwarmProcess this[int index] => _nodes[index];

    /// <summary>The first node's invite.</summary>
    public string Invite => _ready[0].GetProperty("invite").GetString()!;

    public string[] Addresses => [.. _ready.Select(ready => ready.GetProperty("address").GetString()!)];

    public static Task<NodeGroup> StartAsync(params string[] spans) => StartAsync([], spans);

    public static async Task<NodeGroup> StartAsync(IReadOnlyList<string> arguments, IReadOnlyList<string> spans)
    {
        NodeGroup group = new();
        try
        {
            foreach (string span in spans)
            {
                string[] join = group._ready.Count == 0 ? [] : ["--join", group.Invite];
                SwarmProcess node = SwarmProcess.Start(["serve", "--json", "--listen", "127.0.0.1:0", "--blocks", span, .. join, .. arguments]);
                group._nodes.Add(node);
                group._ready.Add(await node.WaitForEventAsync("ready"));
            }

            return group;
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (SwarmProcess node in _nodes)
            await node.DisposeAsync();
    }
}
