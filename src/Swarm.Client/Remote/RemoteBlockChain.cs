using System.Collections.Immutable;
using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;

namespace Swarm.Client;

/// <summary>A model's blocks in a swarm.</summary>
internal sealed class RemoteBlockChain : IBlockChain
{
    // Another route may serve where one refused; so often at least, however long that takes, and then until the grace is over.
    private const int Attempts = 4;

    private static readonly TimeSpan SecondThought = TimeSpan.FromSeconds(0.2);

    private readonly SwarmClientOptions _options;
    private readonly SwarmMember _member;
    private readonly ModelConfig _config;
    private readonly LinkPool _links;
    private readonly ChainSurroundings _around;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _keeping;
    private readonly PrefixRoutes _prefixRoutes = new();
    private ImmutableArray<PeerEndpoint> _met = [];
    private Task _looking = Task.CompletedTask;

    /// <param name="options">Clock, chance, patience, route.</param>
    /// <param name="member">The client's footing in the swarm; disposed with this.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="directory">Who serves the model; disposed with this.</param>
    public RemoteBlockChain(SwarmClientOptions options, SwarmMember member, ModelConfig config, SwarmDirectory directory)
    {
        _options = options;
        _member = member;
        _config = config;
        Directory = directory;
        _links = new LinkPool(
            member.Transport, options.Time, purpose => LinkGreeting.Make(purpose == ConnectionClass.Bulk, null, directory.ModelIdentity), options.Patience);
        _links.Failed += directory.ReportFailure;
        _around = new ChainSurroundings
        {
            Links = _links,
            Directory = directory,
            Time = options.Time,
            Random = options.Random,
            Mode = options.Route,
            Patience = options.Patience,
            Hidden = config.Hidden,
            Vocabulary = config.Vocabulary,
            HasWindows = Enumerable.Range(0, config.Blocks).Any(block => config.Block(block).Window > 0),
            Look = Look,
            FindRefusal = cancellation => _member.FindRefusalAsync(_met, cancellation),
        };
        _keeping = Task.WhenAll(directory.RunAsync(_closing.Token), member.RunAsync(_closing.Token));
    }

    public BlockSpan Blocks => _config.AllBlocks;

    /// <summary>Who serves the model, kept fresh in the background and corrected by what calls show.</summary>
    public SwarmDirectory Directory { get; }

    public async ValueTask<IChainSession> OpenAsync(ChainSessionOptions options, CancellationToken cancellationToken = default)
    {
        if (Directory.Snapshot.Nodes is { Length: > 0 } seen)
            _met = [.. seen.Select(node => node.Endpoint)];
        try
        {
            return await OpenRouteAsync(options, cancellationToken);
        }
        catch (SwarmException exception) when (exception.Fault is FaultKind.NoRoute or FaultKind.NotAMember)
        {
            // Is nobody left, or does nobody let this client in any more?
            if (await _member.FindRefusalAsync(_met, cancellationToken) is { } refusal)
                throw refusal;
            if (exception.Fault == FaultKind.NotAMember)
                throw new SwarmException(FaultKind.NoRoute, exception.Message, exception.Peer, exception.Blocks, exception);
            throw;
        }
    }

    private async ValueTask<IChainSession> OpenRouteAsync(ChainSessionOptions options, CancellationToken cancellationToken)
    {
        SessionShape shape = SessionShape.Resolve(options, Blocks, _config.Context, []);
        if (options.Ends == EndsMode.Swarm && shape.Blocks != Blocks)
            throw new SwarmException(FaultKind.InvalidArgument, $"blocks: {shape.Blocks}, expected {Blocks}: with swarm ends a session goes through all");
        ByteString? beginning = PrefixRoutes.Beginning(options);
        var avoided = new HashSet<PeerId>();
        bool fresh = false;
        int room = shape.ExpectedPositions;
        long start = _options.Time.GetTimestamp();
        bool HasTime() => _options.Time.GetElapsedTime(start) < options.Grace;
        for (int attempt = 1; ; attempt++)
        {
            DirectorySnapshot snapshot = Directory.Snapshot;
            IReadOnlyList<ChainHop> hops;
            try
            {
                // Step 4: a snapshot and the blocks wanted make a route.
                RouteCandidate[] candidates = [.. Candidates(snapshot, avoided)];
                hops = RoutePlanner.Plan(candidates, shape.Blocks, room, _options.Route, _options.Random);
                if (beginning is not null && _options.Route == RouteMode.Latency)
                    hops = _prefixRoutes.Choose(beginning, candidates, hops, room);
            }
            catch (SwarmException) when (!fresh)
            {
                // Nodes may have come since the last look, or come back.
                await Task.WhenAll(Directory.RefreshAsync(cancellationToken), Directory.ReconsiderAsync(cancellationToken));
                fresh = true;
                continue;
            }
            catch (SwarmException exception) when (exception.Fault == FaultKind.NoCapacity && room > 0)
            {
                // What was announced of free caches is some seconds old: the nodes themselves know best.
                room = 0;
                continue;
            }

            hops = [.. hops.Select(hop => hop with { Endpoint = hop.Peer is { } one ? snapshot.Find(one)?.Endpoint : null })];
            ChainSessionOptions chosen = options.Codec == AutoCodec.Name ? options with { Codec = ChooseCodec(hops, snapshot) } : options;
            SessionShape routed = SessionShape.Resolve(chosen, Blocks, _config.Context, hops.Skip(1).Select(hop => hop.Blocks.Start));
            try
            {
                RemoteChainSession session = await RemoteChainSession.OpenAsync(SessionId.Draw(_options.Random), routed, hops, options, _around, cancellationToken);
                if (beginning is not null)
                    _prefixRoutes.Note(beginning, hops);
                return session;
            }
            catch (SwarmException exception) when ((attempt < Attempts || HasTime()) && exception.Fault.Rule().ElsewhereMayServe && exception.Peer is { } peer)
            {
                avoided.Add(peer);
                Report(peer, exception.Fault);
                if (!Covers(avoided, shape.Blocks))
                {
                    await Directory.RefreshAsync(cancellationToken);
                    fresh = true;
                }

                if (Covers(avoided, shape.Blocks))
                    continue;
                if (exception.Fault == FaultKind.NoCapacity)
                    throw;

                // The only ones for some blocks, and yet alive: what went wrong may have been the connection alone, or who came back is about to serve.
                avoided.Clear();
                while (HasTime())
                {
                    await Task.Delay(_options.Random.Jitter(SecondThought, 0.5), _options.Time, cancellationToken);
                    await Look().Here().WaitAsync(cancellationToken);
                    if (Covers(avoided, shape.Blocks))
                        break;
                }

                if (HasTime())
                    continue;

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
        _closing.Cancel();
        await _keeping;
        await _looking;
        await _links.DisposeAsync();
        await Directory.DisposeAsync();
        await _member.DisposeAsync();
        _closing.Dispose();
    }

    // Many sessions lose their chain at once when a node dies: one look serves all.
    private Task Look()
    {
        lock (_lock)
        {
            if (_looking.IsCompleted)
                _looking = LookAsync();
            return _looking;
        }
    }

    private async Task LookAsync()
    {
        // Never under the lock of who asks.
        await Task.Yield();
        try
        {
            await Task.WhenAll(Directory.RefreshAsync(_closing.Token), Directory.ReconsiderAsync(_closing.Token));
        }
        catch (OperationCanceledException)
        {
            // The client ends.
        }
    }

    // What a call to the peer itself showed, the links have told already. The rest is one hop's word about another: it is looked into, not believed.
    private void Report(PeerId peer, FaultKind fault)
    {
        if (LivenessRules.Hides(fault))
            Directory.Suspect(peer);
        else
            Directory.ReportFailure(peer, fault);
    }

    private bool Covers(HashSet<PeerId> avoided, BlockSpan blocks)
    {
        try
        {
            RoutePlanner.Plan(Candidates(Directory.Snapshot, avoided), blocks, 0);
            return true;
        }
        catch (SwarmException)
        {
            return false;
        }
    }

    private string ChooseCodec(IReadOnlyList<ChainHop> hops, DirectorySnapshot snapshot) => AutoCodec.Choose(
        [
            .. hops.Select(hop => (
                hop.Peer is { } peer && snapshot.Find(peer) is { } node ? RouteCandidate.Of(node) : new RouteCandidate(hop.Peer.GetValueOrDefault(), hop.Address, hop.Blocks),
                hop.Blocks.Count)),
        ],
        _config.Hidden).Name;

    private static IEnumerable<RouteCandidate> Candidates(DirectorySnapshot snapshot, HashSet<PeerId> avoided) =>
        snapshot.Nodes.Where(node => node.IsServing && !avoided.Contains(node.Peer)).Select(RouteCandidate.Of);
}
