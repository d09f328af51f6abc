using System.Globalization;
using System.Text.Json;
using Swarm.Cli.Framework;
using Swarm.Kernels;
using Swarm.Models;

namespace Swarm.Cli.Processes;

/// <summary>
/// Node processes on this machine that together hold a model's blocks, evenly. They listen on the loopback address only, write nothing, and end
/// with this process.
/// </summary>
internal sealed class NodeFleet : IAsyncDisposable
{
    private readonly List<NodeProcess> _nodes = [];

    private NodeFleet()
    {
    }

    public IReadOnlyList<NodeProcess> Nodes => _nodes;

    /// <summary>The first node's invite, which suffices for all.</summary>
    public string Invite { get; private set; } = "";

    /// <summary>Blocks of node i of n: as even as can be, the earlier ones no smaller than the later.</summary>
    public static BlockSpan[] Split(int blocks, int nodes)
    {
        BlockSpan[] spans = new BlockSpan[nodes];
        int start = 0;
        for (int i = 0; i < nodes; i++)
        {
            int count = (blocks / nodes) + (i < blocks % nodes ? 1 : 0);
            spans[i] = new BlockSpan(start, start + count);
            start += count;
        }

        return spans;
    }

    /// <summary>What every node of this command's fleet is told.</summary>
    public static IReadOnlyList<string> CommonArguments(CommandContext context) =>
    [
        "--model", context.Get(CommonSettings.Model), "--threads", context.Get(CommonSettings.Threads).ToString(CultureInfo.InvariantCulture),
        .. context.Get(CommonSettings.Weights) is { } weights ? new[] { "--weights", WeightFormats.Name(weights) } : [],
    ];

    /// <summary>Starts the nodes and waits until all are ready.</summary>
    /// <param name="common">Arguments that every node gets: model, threads.</param>
    /// <param name="onEvent">Given every event of every node, one at a time.</param>
    public static async Task<NodeFleet> StartAsync(
        IReadOnlyList<BlockSpan> spans, IReadOnlyList<string> common, TimeProvider time, Action<NodeProcess, string, JsonElement> onEvent,
        CancellationToken cancellationToken)
    {
        NodeFleet fleet = new();
        Lock oneAtATime = new();
        void Forward(NodeProcess node, string name, JsonElement json)
        {
            lock (oneAtATime)
                onEvent(node, name, json);
        }

        try
        {
            // The first founds the swarm; the others join it by its invite.
            for (int i = 0; i < spans.Count; i++)
            {
                List<string> arguments = [.. common, "--json", "--listen", "127.0.0.1:0", "--blocks", spans[i].ToString(), "--child"];
                if (i > 0)
                    arguments.AddRange(["--join", fleet.Invite]);
                NodeProcess node = NodeProcess.Start(i, spans[i], arguments, time, Forward);
                fleet._nodes.Add(node);
                if (i == 0)
                    fleet.Invite = await node.Invite.WaitAsync(cancellationToken);
            }

            // Whichever fails first ends the start, even while others still load.
            List<Task> waiting = [.. fleet._nodes.Select(node => (Task)node.Ready)];
            while (waiting.Count > 0)
            {
                Task first = await Task.WhenAny(waiting).WaitAsync(cancellationToken);
                await first;
                waiting.Remove(first);
            }

            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends all nodes at once and waits until they are gone.</summary>
    public async ValueTask DisposeAsync() => await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));
}
