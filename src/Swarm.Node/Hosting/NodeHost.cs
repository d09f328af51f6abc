using System.Collections.Immutable;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Node.Compute;
using Swarm.Node.Hosting;
using Swarm.Node.Measurement;
using Swarm.Node.Placement;
using Swarm.Node.Sessions;
using Swarm.Protocol;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Health;
using Swarm.Protocol.Links;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Reachability;
using Swarm.Protocol.Reflection;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Weights;
using Swarm.Protocol.Wire;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Swarm.Node;

/// <summary>A running node: it holds a span of blocks, serves sessions over them, and keeps itself announced.</summary>
public sealed class NodeHost : IAsyncDisposable
{
    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(2);

    private NodeOptions _options;
    private readonly SwarmMember _member;
    private readonly DirectoryService _service = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly IComputeExecutor _executor;
    private readonly LinkPool _links;
    private readonly HealthService _health = new();
    private readonly WeightsService _weights;
    private readonly ByteString _configHash;
    private FoundModel _model = null!;
    private SwarmDirectory? _directory;
    private NodeAnnouncer? _announcer;
    private IPeerListener? _listener;
    private readonly SpeedMeter _speed = new();
    private readonly LinkMeter _linkTimes = new();
    private long _memoryBytes;
    private KvBudget? _budget;
    private ComputeLoop? _loop;
    private SessionTable? _table;
    private SpanKeeper? _spans;
    private NodeStanding? _standing;
    private LinkEndpoint? _endpoint;
    private Task _computing = Task.CompletedTask;
    private Task _keeping = Task.CompletedTask;
    private Task _placing = Task.CompletedTask;
    private Task _reaching = Task.CompletedTask;
    private Reachability? _reachability;
    private int _ready;
    private bool _stopped;

    private NodeHost(NodeOptions options)
    {
        _options = options;
        _configHash = ByteString.CopyFrom(ModelIdentity.ConfigHash(options.Source.Config));
        _memoryBytes = options.MemoryBytes ?? DefaultMemory(options);
        _weights = new WeightsService(options.Time, () => _loop?.Passes ?? 0);
        _executor = options.Executor ?? new ThreadExecutor("swarm compute");
        _member = new SwarmMember(new MemberOptions
        {
            Key = options.Key,
            Invite = options.Invite,
            Transport = options.Transport,
            Patience = options.Patience,
            Dht = new DhtOptions { LoggerFactory = options.LoggerFactory },
            Time = options.Time,
            Random = options.Random,
        });
        // Who opens a chain waits for the hop that cannot be reached to be named; a silent one is told like a stalled one.
        _links = new LinkPool(_member.Transport, options.Time, Greeting, options.Patience < ChainTiming.Stall ? options.Patience : ChainTiming.Stall);
        _links.Failed += OnLinkFailed;
    }

    /// <summary>Who this is.</summary>
    public PeerId Peer => _member.Peer;

    /// <summary>Where it listens.</summary>
    public PeerAddress Address => _listener!.Address;

    /// <summary>What it serves now; empty while it serves nothing.</summary>
    public BlockSpan Blocks => _spans?.Blocks ?? default;

    /// <summary>Blocks of the whole model.</summary>
    public int ModelBlocks => _options.Source.Config.Blocks;

    /// <summary>Bytes of weights in memory: blocks, and the model's ends where sessions have needed them.</summary>
    public long WeightBytes => _spans?.WeightBytes ?? 0;

    /// <summary>Text that lets others join through this node.</summary>
    public string Invite { get; private set; } = "";

    public ModelIdentity ModelIdentity => _model.Identity;

    /// <summary>The manifest that this node made by hashing all tensors of its files; null where it had one from elsewhere.</summary>
    public ModelManifest? HashedManifest => _model.IsNew ? _model.Manifest : null;

    /// <summary>Where others can dial it, best first.</summary>
    public ImmutableArray<PeerAddress> Addresses { get; private set; } = [];

    /// <summary>Who serves the model as this node sees it, itself included.</summary>
    public DirectorySnapshot Directory => _directory?.Snapshot ?? DirectorySnapshot.Empty(ByteString.Empty);

    /// <summary>Records of the swarm's DHT that it holds, its own included.</summary>
    public int HeldRecords => _member.Dht.HeldRecords;

    /// <summary>Who is a member of the swarm.</summary>
    public MembershipGate Membership => _member.Credentials.Gate;

    /// <summary>Whether its owner has paused it.</summary>
    public bool IsPaused => _standing?.IsPaused ?? false;

    /// <summary>What it does with requests, as it announces.</summary>
    public NodeState State => _standing?.State ?? NodeState.Joining;

    /// <summary>Round trips to those whom sessions could go on to from here, as far as they are measured.</summary>
    public IReadOnlyList<LinkMeasurement> Links => [.. _linkTimes.Snapshot().Select(link => new LinkMeasurement(link.Peer, link.RoundTrip))];

    /// <summary>Sessions open now.</summary>
    public int Sessions => _table?.Count ?? 0;

    /// <summary>For tests that look at a session, or take from it what a failing disk would.</summary>
    internal SessionTable Table => _table!;

    /// <summary>Positions that the KV pool could still promise.</summary>
    public long CacheTokensFree => _table?.FreeTokens ?? 0;

    /// <summary>Bytes of keys and values that sessions hold.</summary>
    public long CacheBytesUsed => _budget?.UsedBytes ?? 0;

    /// <summary>Bytes of pages that no session holds and that later sessions with the same beginning would find.</summary>
    public long PrefixBytesUsed => _budget?.IdleBytes ?? 0;

    /// <summary>Passes over the weights so far.</summary>
    public long Passes => _loop?.Passes ?? 0;

    /// <summary>Steps that shared a pass with another session's.</summary>
    public long SharedSteps => _loop?.SharedSteps ?? 0;

    /// <summary>Bytes of the model that it handed to other members.</summary>
    public long TensorBytesSent => _weights.SentBytes;

    /// <summary>Times that a part waited to be handed out because the node computed.</summary>
    public long TensorYields => _weights.Yields;

    /// <summary>Bytes of the model that came to it from elsewhere.</summary>
    public long TensorBytesReceived => _spans?.FetchedBytes ?? 0;

    /// <summary>Starts a node and ends when it serves.</summary>
    /// <exception cref="ModelException">What is wrong with the model's files or blocks.</exception>
    /// <exception cref="SwarmException">InvalidInvite, PeerUnreachable, ModelMismatch, VersionMismatch, NoCapacity.</exception>
    /// <exception cref="AddressUnavailableException">The address given cannot be listened on.</exception>
    public static async Task<NodeHost> StartAsync(NodeOptions options, CancellationToken cancellationToken = default)
    {
        var host = new NodeHost(options);
        try
        {
            await host.StartAsync(cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Serves other blocks, and ends when it does. What it serves before and after it serves all the time; sessions that run end on the blocks they began with, bit for bit as if
    /// nothing had moved.
    /// </summary>
    /// <exception cref="SwarmException">
    /// InvalidArgument: blocks that the model has not. NoCapacity: they do not fit into the memory, or running sessions hold it for too long; the node then serves what it did.
    /// </exception>
    /// <exception cref="ModelException">What is wrong with the model's files.</exception>
    public Task MoveAsync(BlockSpan blocks, CancellationToken cancellationToken = default)
    {
        CheckBlocks(blocks);
        return _spans!.MoveAsync(blocks, _model.Manifest, null, cancellationToken);
    }

    /// <summary>Admits no new session until <see cref="ResumeAsync"/> and says so to the swarm; sessions that run go on.</summary>
    public Task PauseAsync() => SetPausedAsync(true);

    /// <summary>Takes sessions again.</summary>
    public Task ResumeAsync() => SetPausedAsync(false);

    /// <summary>
    /// Leaves: says so to the swarm, admits nothing new, lets running sessions finish for as long as given, then cuts them off.
    /// </summary>
    public async Task StopAsync(TimeSpan drain)
    {
        if (_stopped)
            return;
        _stopped = true;
        if (_standing is { } standing)
            standing.IsLeaving = true;
        SetHealth(ServingStatus.NotServing);
        if (_announcer is { } leaving && drain > TimeSpan.Zero)
            await SayAsync(leaving.AnnounceAsync);
        int cut = 0;
        if (_table is { } table)
        {
            Task drained = table.DrainAsync().Here();
            Raise(new NodeDraining(table.Count));
            if (drain > TimeSpan.Zero)
                table.SayLeaving(drain);
            try
            {
                await drained.WaitAsync(drain, _options.Time);
            }
            catch (TimeoutException)
            {
                cut = table.Count;
                table.FaultAll(FaultKind.Draining, "the node left before the session ended");
                await Task.WhenAny(drained, _computing);
            }
        }

        _stopping.Cancel();
        await _keeping;
        await _placing;
        await _reaching;
        if (_announcer is { } left)
            await SayAsync(left.FarewellAsync);
        if (_listener is not null)
            await _listener.DisposeAsync();
        await _links.DisposeAsync();
        _loop?.Complete();
        await _computing;
        if (_endpoint is not null)
            Raise(new NodeStopped(cut));
    }

    /// <summary>Stops without waiting for sessions, and frees everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        _executor.Dispose();
        _table?.Dispose();
        _spans?.Dispose();
        _options.Kernels.Dispose();
        _options.Source.Dispose();
        if (_directory is not null)
            await _directory.DisposeAsync();
        await _member.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        ModelConfig config = _options.Source.Config;
        if (_options.Blocks is { } blocks)
            CheckBlocks(blocks);
        await ListenAsync(cancellationToken);
        _member.Dht.Advertise(Addresses);
        await _member.JoinAsync(_options.Bootstrap ?? [.. _options.Invite.Addresses.Select(address => (PeerEndpoint)address)], _options.MayStartAlone, cancellationToken);
        _model = await ModelFinding.FindAsync(_options, _member, cancellationToken);
        if (_model.Source != _options.Source)
        {
            // Others have chosen how weights are held; what fits follows from that.
            _options = _options with { Source = _model.Source };
            _memoryBytes = _options.MemoryBytes ?? DefaultMemory(_options);
        }

        _directory = _model.Directory;
        _directory.Changed += OnDirectoryChanged;
        _service.Serve(_directory.ModelIdentity, _model.Manifest.Bytes);
        _service.Serve(_directory);
        _weights.Serve(new ModelBlobs(_options.Source, _model.Manifest, _model.IsNew));
        foreach (NodeEntry known in _directory.Snapshot.Nodes)
            OnDirectoryChanged(new DirectoryEvent(DirectoryChange.Added, known));
        var self = new NodeIdentity(
            Peer, _directory.ModelIdentity, _options.Source.Name, config.Blocks, config.Hidden, config.Vocabulary,
            Math.Min(_options.Context ?? config.Context, config.Context));
        _budget = new KvBudget(0);
        _loop = new ComputeLoop(config.Hidden, _executor, _speed, _options.Time);
        _table = new SessionTable(self, _budget, _links, _linkTimes, _options.Time, _loop);
        _table.Changed += OnSessionChanged;
        _computing = _loop.RunAsync(_table);
        _standing = new NodeStanding(_options, Peer, _directory.ModelIdentity, Capacity(config), _table, _speed, _linkTimes) { Addresses = Addresses };
        _announcer = new NodeAnnouncer(
            _options.Key, _member.Swarm, Describe, _member.Dht, _directory, _options.Time, _options.Random,
            _options.LoggerFactory.CreateLogger(LogCategories.Directory));
        Task AnnounceAsync() => _announcer.AnnounceAsync(_stopping.Token);
        _spans = new SpanKeeper(_options, _memoryBytes, _budget, _table, _loop, _speed, AnnounceAsync) { EndsManifest = _model.Manifest };
        _table.Ends = _spans.Ends;
        var placement = new PlacementLoop(
            _standing, Others, AnnounceAsync, (to, mayDrop, stop) => _spans.MoveAsync(to, _model.Manifest, mayDrop, stop),
            _options.Time, _options.Random, _options.LoggerFactory.CreateLogger(LogCategories.Placement));
        _reachability = NewReachability();
        var links = new LinkProbe(
            Peer, () => Blocks, () => Directory.Nodes, _member.Dht.PingAsync, _linkTimes, _options.Time, _options.Random);
        _keeping = KeepAsync(links, _stopping.Token);
        if (_options.Blocks is { } named)
            _standing.Intend(named, confirmed: true);
        // Told first, looked up after: of two that come at once at least one sees the other, and tells it.
        await AnnounceAsync();
        await _directory.RefreshAsync(cancellationToken);
        Task<string?> reaching = _reachability.CheckAsync(cancellationToken);
        BlockSpan first = _options.Blocks ?? await placement.ChooseAsync(cancellationToken);
        // Who brought the model has just hashed every tensor; others check those that they load.
        await _spans.LoadAsync(first, _model.IsNew ? null : _model.Manifest, cancellationToken);
        _standing.Intend(null, confirmed: false);
        string? unreachable = await reaching;
        TakeAddresses();
        _endpoint = new LinkEndpoint(self, _table, _loop.Progress, _options.Time);
        Invite = (_options.HandedOut ?? _options.Invite).WithAddresses(Addresses)
            .WithModel(_model.Identity.ToBytes(), Shorten(_options.Source.Name), _model.Description.Memory).ToText();
        await AnnounceAsync();
        _placing = _options.Blocks is null ? placement.RunAsync(_stopping.Token) : Task.CompletedTask;
        if (unreachable is null)
        {
            BeReady();
        }
        else
        {
            Raise(new NodeUnreachable(unreachable));
            _reaching = _reachability.RunAsync(_stopping.Token);
        }
    }

    private void BeReady()
    {
        SetHealth(IsPaused ? ServingStatus.NotServing : ServingStatus.Serving);
        if (Interlocked.Exchange(ref _ready, 1) == 1)
            return;
        Raise(new NodeReady(
            Peer, Address, Invite, _options.Source.Name, _model.Identity.Hex, Blocks, WeightBytes + _budget!.Bytes,
            WeightBytes, CacheTokensFree, _speed.TokensPerSecond(Blocks.Count), _options.Source.Tensors.BytesRead));
    }

    private Reachability NewReachability()
    {
        var client = new ReachabilityClient(_member.Transport, _options.Time);
        return new Reachability(
            (peer, stop) => client.AskAsync(peer, Address.Port, stop), WhoMayDialBack, Address.Port, _standing!, OnReachedAsync, _options.Time, _options.Random,
            _options.LoggerFactory.CreateLogger(LogCategories.Node));
    }

    // In random order, so that a newcomer's peers are not always the same. Those who are themselves not reached can still dial out.
    private IReadOnlyList<PeerEndpoint> WhoMayDialBack() =>
        [.. Directory.Nodes.Where(node => node.Peer != Peer).Select(node => (node.Endpoint, Order: _options.Random.NextUInt64())).OrderBy(node => node.Order).Select(node => node.Endpoint)];

    // Those at which others have reached this node are among them now.
    private void TakeAddresses()
    {
        Addresses = _standing!.Addresses;
        _member.Dht.Advertise(Addresses);
    }

    private async Task OnReachedAsync()
    {
        TakeAddresses();
        Raise(new NodeReachable());
        await _announcer!.AnnounceAsync(_stopping.Token);
        BeReady();
    }

    private async Task SetPausedAsync(bool paused)
    {
        if (_stopped || IsPaused == paused)
            return;
        _table!.IsPaused = paused;
        _standing!.IsPaused = paused;
        SetHealth(paused ? ServingStatus.NotServing : ServingStatus.Serving);
        Raise(new NodePaused(paused, Sessions));
        await _announcer!.AnnounceAsync(_stopping.Token);
    }

    // The DHT's table, the directory and the announcement stay fresh until the node stops.
    private Task KeepAsync(LinkProbe links, CancellationToken cancellationToken) => Task.WhenAll(
        _member.RunAsync(cancellationToken), _directory!.RunAsync(cancellationToken), _announcer!.RunAsync(cancellationToken), links.RunAsync(cancellationToken));

    private void CheckBlocks(BlockSpan blocks)
    {
        ModelConfig config = _options.Source.Config;
        if (blocks.Start < 0 || blocks.Count < 1 || blocks.End > config.Blocks)
        {
            throw new SwarmException(
                FaultKind.InvalidArgument, $"blocks: {blocks}, expected a span within {config.AllBlocks}, the model's blocks",
                blocks: (blocks.Start, blocks.End));
        }
    }

    private static long DefaultMemory(NodeOptions options)
    {
        ModelConfig config = options.Source.Config;
        return MemoryPlan.Default(
            AvailableMemory.Read(), options.Source.HeldBytes(config.AllBlocks) + options.Source.HeldBytes(EndParts.Both), KvLayout.For(config, config.AllBlocks, options.Kernels),
            Math.Min(options.Context ?? config.Context, config.Context));
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        // Links are refused until the blocks are loaded; the directory answers at once.
        ServerServiceDefinition nodes = ServerServiceDefinition.CreateBuilder()
            .AddMethod(LinkService.Link, (requests, responses, context) => (_endpoint
                ?? throw new RpcException(new Status(StatusCode.Unavailable, "this node is still loading"))).ServeAsync(requests, responses, context))
            .Build();
        var reflection = new ReflectionService(
            [LinkReflection.Descriptor.Services[0], DirectoryReflection.Descriptor.Services[0], WeightsReflection.Descriptor.Services[0], DhtNode.Descriptor, ReachabilityReflection.Descriptor.Services[0], Grpc.Health.V1.HealthReflection.Descriptor.Services[0]]);
        ServerServiceDefinition[] services = [nodes, _service.Definition(), _weights.Definition(), _member.Dht.Definition, new ReachabilityService(_member.Transport, _options.Time).Definition, _health.Definition, reflection.Definition];
        _listener = _options.Listen is { } address
            ? await _member.Transport.ListenAsync(address, services, cancellationToken)
            : await ListenEverywhereAsync(services, cancellationToken);
        Addresses = OwnAddresses.Dialable(_listener.Address);
        Raise(new NodeListening(_listener.Address));
    }

    // The first free port; both families where the platform has them.
    private async Task<IPeerListener> ListenEverywhereAsync(ServerServiceDefinition[] services, CancellationToken cancellationToken)
    {
        for (int port = NodeOptions.FirstPort; ; port++)
        {
            try
            {
                return await _member.Transport.ListenAsync(OwnAddresses.Everywhere(port, Socket.OSSupportsIPv6), services, cancellationToken);
            }
            catch (AddressUnavailableException exception) when (exception.InUse && port < NodeOptions.FirstPort + 1000)
            {
                // The next port may be free.
            }
        }
    }

    // The largest of each.
    private (long Stored, long Cache) BlockBytes(ModelConfig config) => (
        Enumerable.Range(0, config.Blocks).Max(_options.Source.HeldBytes),
        Enumerable.Range(0, config.Blocks).Max(block => KvLayout.For(config, new BlockSpan(block, block + 1), _options.Kernels).BytesFor(MemoryPlan.LeastTokens)));

    private int MostBlocks(ModelConfig config)
    {
        (long stored, long cache) = BlockBytes(config);
        return Math.Min(config.Blocks, MemoryPlan.MostBlocks(_memoryBytes, stored, cache));
    }

    // What placement may take; 0 where the operator has said which blocks.
    private int Capacity(ModelConfig config)
    {
        if (_options.Blocks is not null)
            return 0;
        int most = MostBlocks(config);
        if (most > 0)
            return most;
        (long stored, long cache) = BlockBytes(config);
        throw new SwarmException(
            FaultKind.NoCapacity, $"memory: {_memoryBytes} bytes, expected at least {stored + cache} for one block and its cache");
    }

    private PlacementSnapshot Others() => PlacementView.Of(Directory.Nodes, _options.Source.Config.Blocks);

    private NodeEntry Describe(ulong sequence) => _standing!.Entry(sequence) with { ConfigHash = _configHash, DescriptionHash = _model.Vouched, Grant = _member.Credentials.Proof?.Grant.Id };

    // Whoever does not hear it finds out by its probes.
    private async Task SayAsync(Func<CancellationToken, Task> tell)
    {
        using var patience = new CancellationTokenSource(FarewellTime, _options.Time);
        try
        {
            await tell(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // Some of those to be told are gone themselves.
        }
    }

    private void OnDirectoryChanged(DirectoryEvent change)
    {
        NodeEntry node = change.Node;
        if (node.Peer == Peer)
            return;
        if (change.Change == DirectoryChange.Removed)
            Raise(new NodePeerLeft(node.Peer));
        else if (change.Change == DirectoryChange.Added)
            Raise(new NodePeerJoined(node.Peer, node.Addresses[0].ToString(), new BlockSpan(node.Blocks.First, node.Blocks.End)));
    }

    // A neighbour of the chain: whoever is linked to it is the first to see it die.
    private void OnLinkFailed(PeerId peer, FaultKind fault)
    {
        if (LivenessRules.Hides(fault))
            _directory?.Suspect(peer);
    }

    private void OnSessionChanged(SessionId session, bool opened, int count)
    {
        string name = session.ToString()[..8];
        Raise(opened ? new NodeSessionOpened(name, count) : new NodeSessionClosed(name, count));
    }

    private Hello Greeting(ConnectionClass purpose) => LinkGreeting.Make(
        purpose == ConnectionClass.Bulk, Peer, _directory?.ModelIdentity ?? ByteString.Empty);

    private void SetHealth(ServingStatus status)
    {
        _health.SetStatus("", status);
        _health.SetStatus(LinkService.Name, status);
    }

    private void Raise(NodeEvent happened) => _options.OnEvent?.Invoke(happened);

    private static string Shorten(string name) => name.Length <= ChainLimits.MaxNameLength ? name : name[..ChainLimits.MaxNameLength];
}
