using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>A model's blocks in a swarm.</summary>
internal sealed class RemoteBlockChain : IBlockChain
{
    // Another route may serve where one refused; bounded, so that a swarm in trouble is not hammered.
    private const int Attempts = 4;
    private const int MostAsked = 8;

    private readonly SwarmClientOptions _options;
    private readonly ITransport _transport;
    private readonly ModelConfig _config;
    private readonly ByteString _modelIdentity;
    private readonly DirectoryClient _directory;
    private readonly LinkPool _links;
    private readonly IReadOnlyList<PeerAddress> _bootstrap;
    private readonly Lock _lock = new();
    private DirectoryList _snapshot;

    public RemoteBlockChain(
        SwarmClientOptions options, ITransport transport, ModelConfig config, ByteString modelIdentity, DirectoryClient directory,
        IReadOnlyList<PeerAddress> bootstrap, DirectoryList snapshot)
    {
        _options = options;
        _transport = transport;
        _config = config;
        _modelIdentity = modelIdentity;
        _directory = directory;
        _bootstrap = bootstrap;
        _snapshot = snapshot;
        _links = new LinkPool(
            transport, options.Time, purpose => LinkGreeting.Make(purpose == ConnectionClass.Bulk, null, modelIdentity), options.Patience);
    }

    public BlockSpan Blocks => _config.AllBlocks;

    /// <summary>What the swarm's directory said last.</summary>
    public DirectoryList Snapshot
    {
        get
        {
            lock (_lock)
                return _snapshot;
        }
    }

    public async ValueTask<IChainSession> OpenAsync(ChainSessionOptions options, CancellationToken cancellationToken = default)
    {
        SessionShape shape = SessionShape.Resolve(options, Blocks, _config.Context, []);
        var avoided = new HashSet<PeerId>();
        bool fresh = false;
        for (int attempt = 1; ; attempt++)
        {
            IReadOnlyList<ChainHop> hops;
            try
            {
                hops = RoutePlanner.Plan(Candidates(avoided), shape.Blocks, shape.ExpectedPositions, _options.Route, _options.Random);
            }
            catch (SwarmException) when (!fresh)
            {
                // The list may be old: nodes may have come since.
                await RefreshAsync(cancellationToken);
                fresh = true;
                continue;
            }

            SessionShape routed = options.RoundAt is null
                ? SessionShape.Resolve(options, Blocks, _config.Context, hops.Skip(1).Select(hop => hop.Blocks.Start))
                : shape;
            try
            {
                return await RemoteChainSession.OpenAsync(
                    _links, SessionId.Draw(_options.Random), routed, hops, _config.Hidden, _modelIdentity, _options.Patience, _options.Time, cancellationToken);
            }
            catch (SwarmException exception) when (attempt < Attempts && exception.Fault.Rule().ElsewhereMayServe && exception.Peer is { } peer)
            {
                avoided.Add(peer);
                await RefreshAsync(cancellationToken);
                fresh = true;
                if (Covers(avoided, shape))
                    continue;
                if (exception.Fault == FaultKind.NoCapacity)
                    throw;
                string blocks = exception.Blocks is { } some ? $"blocks {some.First}:{some.End}" : $"blocks {shape.Blocks}";
                throw new SwarmException(
                    FaultKind.NoRoute, $"{blocks}: nobody else serves them, and {exception.Message}", peer, exception.Blocks, exception);
            }
        }
    }

    public async ValueTask ForwardTogetherAsync(IReadOnlyList<ChainStep> steps, CancellationToken cancellationToken = default)
    {
        // All are under way before the first is waited for: nodes put them into common passes.
        var pending = new ValueTask[steps.Count];
        for (int index = 0; index < pending.Length; index++)
        {
            ChainStep step = steps[index];
            pending[index] = step.Session.ForwardAsync(step.Hidden, step.Position, step.Count, step.Outputs, step.Result, cancellationToken);
        }

        foreach (ValueTask step in pending)
            await step;
    }

    public async ValueTask DisposeAsync()
    {
        await _links.DisposeAsync();
        await _transport.DisposeAsync();
    }

    /// <summary>Asks inviters and known nodes anew and joins what they know: one that has just come may be known to few.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        var addresses = new List<PeerAddress>(_bootstrap);
        foreach (DirectoryEntry entry in Snapshot.Entries)
        {
            PeerAddress address = PeerAddress.Parse(entry.Announcement.Addresses[0]);
            if (!addresses.Contains(address) && addresses.Count < MostAsked)
                addresses.Add(address);
        }

        DirectoryList?[] answers = await Task.WhenAll(addresses.Select(address => AskAsync(address, cancellationToken)));
        DirectoryList? joined = Join(answers);
        if (joined is null)
            return;
        lock (_lock)
            _snapshot = joined;
    }

    // The old list stays where nobody answers.
    private async Task<DirectoryList?> AskAsync(PeerAddress address, CancellationToken cancellationToken)
    {
        try
        {
            return await _directory.ListAsync(address, cancellationToken);
        }
        catch (SwarmException)
        {
            return null;
        }
    }

    // Of each peer the newest announcement.
    private static DirectoryList? Join(IReadOnlyList<DirectoryList?> answers)
    {
        DirectoryList? joined = null;
        var newest = new SortedDictionary<PeerId, DirectoryEntry>();
        foreach (DirectoryList? answer in answers)
        {
            if (answer is null)
                continue;
            joined ??= new DirectoryList { WireVersion = answer.WireVersion, Swarm = answer.Swarm, ModelIdentity = answer.ModelIdentity };
            foreach (DirectoryEntry entry in answer.Entries)
            {
                var peer = new PeerId(entry.Announcement.Peer.Span);
                if (!newest.TryGetValue(peer, out DirectoryEntry? known) || entry.Announcement.Sequence > known.Announcement.Sequence)
                    newest[peer] = entry;
            }
        }

        joined?.Entries.AddRange(newest.Values);
        return joined;
    }

    private bool Covers(HashSet<PeerId> avoided, SessionShape shape)
    {
        try
        {
            RoutePlanner.Plan(Candidates(avoided), shape.Blocks, shape.ExpectedPositions);
            return true;
        }
        catch (SwarmException)
        {
            return false;
        }
    }

    private IEnumerable<RouteCandidate> Candidates(HashSet<PeerId> avoided)
    {
        foreach (DirectoryEntry entry in Snapshot.Entries)
        {
            NodeAnnouncement announcement = entry.Announcement;
            var peer = new PeerId(announcement.Peer.Span);
            if (announcement.State != AnnouncedState.Serving || announcement.ModelIdentity != _modelIdentity || avoided.Contains(peer))
                continue;
            var blocks = new BlockSpan((int)announcement.FirstBlock, (int)announcement.EndBlock);
            double blocksPerSecond = announcement.TokensPerSecond * blocks.Count;
            yield return new RouteCandidate(peer, announcement.Addresses[0], blocks)
            {
                BlockTime = blocksPerSecond > 0 ? TimeSpan.FromSeconds(1 / blocksPerSecond) : TimeSpan.Zero,
                Sessions = (int)Math.Min(announcement.Sessions, int.MaxValue),
                CacheTokensFree = (long)Math.Min(announcement.CacheTokensFree, long.MaxValue),
            };
        }
    }
}
