using Spectre.Console;
using Spectre.Console.Rendering;
using Swarm.Cli.Framework;
using Swarm.Node;

namespace Swarm.Cli.Serving;

/// <summary>A serving node on a terminal: a few lines in place, renewed each second.</summary>
internal sealed class ServePanel(CommandContext context)
{
    private const int MostEvents = 5;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Queue<string> _events = new();
    private NodeReady? _ready;
    private volatile bool _drawing;

    /// <summary>While it is drawn, nothing else may write to the terminal.</summary>
    public bool IsDrawing => _drawing;

    /// <summary>Takes note of what happened; the next drawing shows it.</summary>
    public void Note(NodeEvent happened, string? line)
    {
        lock (_lock)
        {
            if (happened is NodeReady ready)
                _ready = ready;
            if (line is null)
                return;
            _events.Enqueue($"{context.Time.GetLocalNow():HH:mm:ss} {line}");
            while (_events.Count > MostEvents)
                _events.Dequeue();
        }
    }

    /// <summary>Draws a node that is ready until it is cancelled, and once more then, so that the last lines stay on the screen.</summary>
    public async Task RunAsync(NodeHost node, CancellationToken cancellationToken)
    {
        using TokenRate rate = new(context.Time);
        _drawing = true;
        await context.ErrorConsole.Live(Draw(node, 0)).Overflow(VerticalOverflow.Ellipsis).StartAsync(async live =>
        {
            try
            {
                while (true)
                {
                    await Task.Delay(Interval, context.Time, cancellationToken);
                    live.UpdateTarget(Draw(node, rate.Take()));
                }
            }
            catch (OperationCanceledException)
            {
                live.UpdateTarget(Draw(node, 0));
            }
        });
        _drawing = false;
    }

    private Rows Draw(NodeHost node, double tokensPerSecond)
    {
        PanelState state;
        lock (_lock)
        {
            state = new PanelState
            {
                Fingerprint = node.Peer.Fingerprint,
                Address = node.Address.ToString(),
                Model = _ready?.ModelName ?? "",
                ModelBlocks = node.ModelBlocks,
                Blocks = node.Blocks,
                State = NodeReport.Word(node.State),
                Sessions = node.Sessions,
                TokensPerSecond = tokensPerSecond,
                WeightBytes = node.WeightBytes,
                CacheTokensFree = node.CacheTokensFree,
                Peers = PanelState.PeersIn(node.Directory, node.Peer),
                Events = [.. _events],
            };
        }

        return new Rows(PanelText.Lines(state, LiveRegion.Width(context.ErrorConsole)).Select(line => (IRenderable)new Markup(line)));
    }
}
