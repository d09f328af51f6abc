using System.Globalization;
using Microsoft.Extensions.Logging;
using Swarm.Cli.Framework;
using Swarm.Cli.Logging;
using Swarm.Node;
using Swarm.Node.Metrics;
using Swarm.Protocol;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Serving;

/// <summary>
/// What makes a daemon a good guest: a low priority, an upload limit, threads kept to what was granted, a log, metrics, and word to the service manager that started
/// it. To be started before anything that starts threads, and ended after the node.
/// </summary>
internal sealed partial class ServeSurroundings : IAsyncDisposable
{
    private static readonly Setting<int?> Nice = new(
        "nice", "N", $"how far others go first: 0 (as usual) to 19 (only what nobody wants); default {ProcessPriority.DefaultNice}", Values.OptionalInteger(0, 19), null);

    private static readonly Setting<long?> MaxUpload = new(
        "max-upload", "RATE", "most that is sent to peers a second, such as 10Mbit or 2MiB (default: no limit)", Values.Rate, null);

    private static readonly Setting<PeerAddress?> Metrics = new(
        "metrics", "HOST:PORT", "where /metrics, /healthz and /readyz are answered (default: nowhere)", Values.Address, null);

    private readonly CommandContext _context;
    private readonly ILogger _log;
    private readonly NodeLog _nodeLog;
    private readonly SystemdNotifier _systemd;
    private readonly WindowsService? _windows;
    private readonly ProcessMetrics _processMetrics;
    private MetricsEndpoint? _endpoint;
    private NodeMetrics? _nodeMetrics;

    private ServeSurroundings(CommandContext context, bool child, TimeSpan drain)
    {
        _context = context;
        LoggerFactory = ProgramLog.Create(context, daemon: !child);
        _log = LoggerFactory.CreateLogger(LogCategories.Guest);
        _nodeLog = new NodeLog(LoggerFactory);
        if (context.Get(MaxUpload) is { } rate)
            UploadLimiter = new UploadLimiter(rate, context.Time);
        _processMetrics = new ProcessMetrics(UploadLimiter, () => Readiness.Obstacle, SwarmProgram.Version, context.Time);
        _systemd = SystemdNotifier.Create(child ? _ => null : context.Host.Environment, Environment.ProcessId, context.Time);
        if (OperatingSystem.IsWindows() && !child)
            _windows = WindowsService.TryStart(context.Interrupts.Request, drain);
        context.Interrupts.Polite.UnsafeRegister(static self => ((ServeSurroundings)self!).OnStopping(), this);
    }

    /// <summary>The flags that are dealt with here.</summary>
    public static IReadOnlyList<ISetting> Settings { get; } = [Nice, MaxUpload, Metrics, ProgramLog.Levels];

    public ILoggerFactory LoggerFactory { get; }

    /// <summary>For the node's transport; null without a limit.</summary>
    public UploadLimiter? UploadLimiter { get; }

    public Readiness Readiness { get; } = new();

    /// <param name="context">The command's.</param>
    /// <param name="child">A process that this program started itself: it shares the priority and the service of whoever started it.</param>
    /// <param name="drain">How long stopping may take.</param>
    /// <exception cref="AddressUnavailableException">The address for metrics cannot be listened on.</exception>
    public static async Task<ServeSurroundings> StartAsync(CommandContext context, bool child, TimeSpan drain)
    {
        if ((context.Get(Nice) ?? (child ? null : ProcessPriority.DefaultNice)) is { } nice)
            ProcessPriority.Lower(nice);
        ThreadBounds.Apply(context.Get(CommonSettings.Threads));
        ServeSurroundings surroundings = new(context, child, drain);
        try
        {
            if (context.Get(Metrics) is { } address)
                await surroundings.AnswerAsync(address);
            return surroundings;
        }
        catch
        {
            await surroundings.DisposeAsync();
            throw;
        }
    }

    /// <summary>A node's options with the log, and with an eye on its events before whoever shows them.</summary>
    public NodeOptions Around(NodeOptions options)
    {
        Action<NodeEvent>? show = options.OnEvent;
        return options with
        {
            LoggerFactory = LoggerFactory,
            OnEvent = happened =>
            {
                Observe(happened);
                show?.Invoke(happened);
            },
        };
    }

    /// <summary>The node has started: what it tells when asked is asked from now on.</summary>
    public void Attach(NodeHost node)
    {
        _nodeMetrics = new NodeMetrics(node);
        Readiness.Follow(() => node.State);
    }

    public async ValueTask DisposeAsync()
    {
        if (_endpoint is not null)
            await _endpoint.DisposeAsync();
        _nodeMetrics?.Dispose();
        _processMetrics.Dispose();
        _systemd.Dispose();
        if (OperatingSystem.IsWindows())
            _windows?.Dispose();
        LoggerFactory.Dispose();
    }

    private void Observe(NodeEvent happened)
    {
        Readiness.Observe(happened);
        _nodeLog.Observe(happened);
        switch (happened)
        {
            case NodeLoading e when e.Done == 1 || e.Done == e.Of:
                _systemd.Status(string.Create(CultureInfo.InvariantCulture, $"loading blocks {e.Span}: {e.Done} of {e.Of}"));
                break;
            case NodeReady e:
                _systemd.Ready($"serving blocks {e.Blocks} of {e.ModelName}");
                if (OperatingSystem.IsWindows())
                    _windows?.Ready();
                break;
            case NodeUnreachable:
                // The program runs as it should; what is amiss lies around it, and starting it anew would not help.
                _systemd.Ready("other nodes cannot reach this one; trying again");
                if (OperatingSystem.IsWindows())
                    _windows?.Ready();
                break;
            case NodePaused e:
                _systemd.Status(e.IsPaused ? "paused" : "serving");
                break;
            case NodeMoved e:
                _systemd.Status($"serving blocks {e.Blocks}");
                break;
        }
    }

    private async Task AnswerAsync(PeerAddress address)
    {
        TransportMeter.Ready();
        _endpoint = await MetricsEndpoint.StartAsync(address, () => Readiness.Obstacle, LoggerFactory, _context.Time, _context.Interrupts.Polite);
        AnswersMetrics(_log, _endpoint.Address.ToString());
        _context.Events?.Write("metrics", json => json.WriteString("address", _endpoint.Address.ToString()));
    }

    private void OnStopping()
    {
        _systemd.Stopping();
        if (OperatingSystem.IsWindows())
            _windows?.Stopping();
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Answers /metrics, /healthz and /readyz on {Address}.")]
    private static partial void AnswersMetrics(ILogger logger, string address);
}
