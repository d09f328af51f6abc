using System.Net.Sockets;
using Spectre.Console;
using Swarm.Cli.Control;
using Swarm.Cli.Framework;
using Swarm.Cli.Home;
using Swarm.Cli.Serving;
using Swarm.Kernels;
using Swarm.Models;
using Swarm.Node;
using Swarm.Protocol;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Commands;

/// <summary>The daemon: hosts a span of blocks and announces it until it is told to leave.</summary>
internal sealed class ServeCommand : CommandDefinition
{
    private static readonly Setting<BlockSpan?> Blocks =
        new("blocks", "A:B", "blocks from A up to but without B (default: the node chooses)", Values.Blocks, null);

    private static readonly Setting<long?> Memory =
        new("memory", "SIZE", "bounds weights and caches (default half of what is free)", Values.Bytes, null);

    private static readonly Setting<PeerAddress?> Listen =
        new("listen", "HOST:PORT", "where to listen (default: the first free port from 31330 on all addresses)", Values.Address, null);

    private static readonly Setting<double> DrainSeconds =
        new("drain-seconds", "S", "how long running sessions may go on after SIGTERM or Ctrl-C (default 30)", Values.Seconds(86400), 30);

    // For the processes that demo and bench start: nothing is written, and the end of stdin is the end of the node.
    private static readonly Setting<bool> Child =
        Setting<bool>.Switch("child", "write nothing, end when stdin closes", inputOnly: true, hidden: true);

    public override string Name => "serve";

    public override string Description => "hosts blocks of a model and announces them";

    public override IReadOnlyList<ISetting> Settings =>
    [
        CommonSettings.Model, CommonSettings.Weights, CommonSettings.Join, CommonSettings.Dial, Blocks, Memory, Listen, CommonSettings.Threads, CommonSettings.Context,
        CommonSettings.Reference, CommonSettings.Public, DrainSeconds, .. ServeSurroundings.Settings, Child,
    ];

    public override async Task<int> RunAsync(CommandContext context)
    {
        bool child = context.Get(Child);
        if (child)
        {
            context.Interrupts.LeaveInterruptToParent();
            EndWithInput(context);
        }

        await using ServeSurroundings around = await ServeSurroundings.StartAsync(context, child, TimeSpan.FromSeconds(context.Get(DrainSeconds)));
        using ServeEntry entry = await ServeEntry.ChooseAsync(context, child);
        NodeReport report = new(context, entry, context.ShowsProgress && !child ? new ServePanel(context) : null);
        await using (NodeHost node = await StartAsync(context, child ? null : new ManifestCache(context.Home), await OptionsAsync(context, around, entry), around, report))
        {
            around.Attach(node);
            await using ControlServer? control = entry.Slot is { } slot ? OpenControl(context, slot, node) : null;
            await LiveAsync(context, node, report, child ? TimeSpan.Zero : TimeSpan.FromSeconds(context.Get(DrainSeconds)));
        }

        return entry.Expelled is { } expelled ? throw expelled : ExitCode.Done;
    }

    // Serves until it is asked to leave, and leaves; meanwhile the panel is drawn where somebody looks.
    private static async Task LiveAsync(CommandContext context, NodeHost node, NodeReport report, TimeSpan drain)
    {
        using CancellationTokenSource ended = new();
        Task drawing = report.Panel?.RunAsync(node, ended.Token) ?? Task.CompletedTask;
        await context.Interrupts.WaitAsync();
        await node.StopAsync(drain);
        await ended.CancelAsync();
        await drawing;
    }

    // What 'swarm pause' and 'swarm resume' speak to. A node serves without it too.
    private static ControlServer? OpenControl(CommandContext context, NodeSlot slot, NodeHost node)
    {
        try
        {
            return ControlServer.Listen(slot.Folder, request => AnswerAsync(node, request), context.Time);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SocketException or PlatformNotSupportedException)
        {
            context.Say($"'swarm pause' will not reach this node: {exception.Message}");
            return null;
        }
    }

    private static async Task<ControlAnswer> AnswerAsync(NodeHost node, ControlRequest request)
    {
        if (request == ControlRequest.Pause)
            await node.PauseAsync();
        else if (request == ControlRequest.Resume)
            await node.ResumeAsync();
        return new ControlAnswer(node.Peer.ToString(), Environment.ProcessId, NodeReport.Word(node.State), node.Sessions);
    }

    private static async Task<NodeOptions> OptionsAsync(CommandContext context, ServeSurroundings around, ServeEntry entry)
    {
        KernelSet kernels = ModelOpening.CreateKernels(context, context.Get(CommonSettings.Reference));
        NodeOptions options = new()
        {
            Source = await OpenModelAsync(context, entry, kernels.NumericsClass),
            Kernels = kernels,
            Key = entry.Key,
            Invite = entry.Membership,
            HandedOut = entry.HandedOut,
            MayStartAlone = entry.MayStartAlone,
            Bootstrap = [.. entry.Bootstrap().Select(address => (PeerEndpoint)address)],
            Transport = credentials => entry.OpenTransport(
                credentials,
                new TransportOptions { Credentials = credentials, LoggerFactory = around.LoggerFactory, UploadLimiter = around.UploadLimiter }),
            Blocks = context.Get(Blocks),
            Listen = context.Get(Listen),
            Context = context.Get(CommonSettings.Context),
            Time = context.Time,
            Version = SwarmProgram.Version,
        };
        return context.Get(Memory) is { } memory ? options with { MemoryBytes = memory } : options;
    }

    // Who founds a swarm brings its model, and so does who comes back to one that nobody else is in.
    private static async Task<ModelSource> OpenModelAsync(CommandContext context, ServeEntry entry, string numericsClass)
    {
        IReadOnlyList<PeerAddress> known = entry.Bootstrap();
        if (known.Count == 0)
            return await context.OpenModelAsync();
        try
        {
            return await ModelOpening.OpenSwarmModelAsync(context, entry.Membership, numericsClass, known);
        }
        catch (SwarmException exception) when (entry.MayStartAlone && exception.Fault is FaultKind.PeerUnreachable or FaultKind.NoRoute)
        {
            return await context.OpenModelAsync();
        }
    }

    // A node that has hashed its files keeps what came out for its next start.
    private static async Task<NodeHost> StartAsync(CommandContext context, ManifestCache? manifests, NodeOptions options, ServeSurroundings around, NodeReport report)
    {
        if (manifests is null)
            return await StartAsync(context, options, around, report);
        ModelSource source = manifests.With(options.Source);
        try
        {
            NodeHost node = await StartAsync(context, options with { Source = source }, around, report);
            if (node.HashedManifest is { } hashed)
                manifests.Keep(source, hashed);
            return node;
        }
        catch (ModelException exception) when (exception.Error == ModelError.CorruptModel && source != options.Source)
        {
            // The files may have changed without showing it: the next start hashes them.
            manifests.Forget(options.Source);
            throw;
        }
    }

    private static async Task<NodeHost> StartAsync(CommandContext context, NodeOptions options, ServeSurroundings around, NodeReport report)
    {
        if (!context.ShowsProgress)
            return await NodeHost.StartAsync(around.Around(options with { OnEvent = report.Show }), context.Interrupts.Polite);
        NodeHost? started = null;
        report.Hold();
        try
        {
            await DrawAsync();
        }
        finally
        {
            report.Release();
        }

        return started!;

        Task DrawAsync() => context.ErrorConsole.Progress().AutoClear(true).StartAsync(async progress =>
        {
            long start = context.Time.GetTimestamp();
            ProgressTask? fetching = null;
            ProgressTask? bar = null;
            started = await NodeHost.StartAsync(
                around.Around(options with
                {
                    OnEvent = happened =>
                    {
                        if (happened is NodeFetching { Span: { } span } fetched)
                        {
                            fetching ??= progress.AddTask($"fetching blocks {span}", maxValue: fetched.TotalBytes);
                            fetching.Value = fetched.Bytes;
                            fetching.Description = $"fetching blocks {span}: {FetchRate.Text(fetched, context.Time.GetElapsedTime(start))}";
                        }
                        else if (happened is NodeLoading loading)
                        {
                            bar ??= progress.AddTask($"loading blocks {loading.Span}", maxValue: loading.Of);
                            bar.Value = loading.Done;
                        }
                        else
                        {
                            report.Show(happened);
                        }
                    },
                }),
                context.Interrupts.Polite);
        });
    }

    private static void EndWithInput(CommandContext context)
    {
        // A thread of its own: a blocking read of a pipe cannot be awaited everywhere.
        Thread thread = new(() =>
        {
            byte[] buffer = new byte[64];
            try
            {
                while (context.Host.Input.Read(buffer) > 0)
                {
                    // Nothing is meant to come; what comes is not looked at.
                }
            }
            catch (IOException)
            {
                // The pipe broke: the parent is gone.
            }

            context.Interrupts.Request();
        })
        {
            IsBackground = true,
            Name = "parent watch",
        };
        thread.Start();
    }
}
