using System.Collections.Immutable;
using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Client.Observing;

/// <summary>
/// Looks at a swarm as an operator does: reads what nodes announce, and asks each of them whether it is there. It keeps nothing between looks, so that what it shows is what a
/// stranger with an invite would find now.
/// </summary>
public sealed class SwarmObserver
{
    /// <summary>Nodes asked at a time.</summary>
    private const int AskedAtOnce = 64;

    /// <summary>Least beginning of an identity that names a model.</summary>
    private const int LeastIdentityLength = 6;

    private readonly SwarmId _swarm;
    private readonly IRecordNetwork _network;
    private readonly IRecordPolicy _policy;
    private readonly TimeProvider _time;
    private readonly TimeSpan _patience;

    /// <param name="swarm">The swarm.</param>
    /// <param name="network">Its records.</param>
    /// <param name="time">The clock of patience.</param>
    /// <param name="patience">Silence after which a node counts as unreachable.</param>
    public SwarmObserver(SwarmId swarm, IRecordNetwork network, TimeProvider time, TimeSpan patience)
    {
        ArgumentNullException.ThrowIfNull(network);
        _swarm = swarm;
        _network = network;
        _policy = new DirectoryRecordPolicy(swarm);
        _time = time;
        _patience = patience;
    }

    /// <summary>One look.</summary>
    /// <param name="model">Name, or the beginning of the identity, of the model to look at; null: the one that most nodes serve.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    public async Task<SwarmStatus> ObserveAsync(string? model, CancellationToken cancellationToken)
    {
        ImmutableArray<ObservedModel> models = await FindModelsAsync(cancellationToken);
        ObservedModel? chosen = Choose(models, model);
        if (chosen is null)
            return StatusRules.Assess(_swarm.ToString(), model is null ? null : new ObservedModel(model, "", 0, 0), models, []);
        IReadOnlyList<(NodeEntry Entry, TimeSpan Age)> entries = await FindNodesAsync(chosen, cancellationToken);
        using var gate = new SemaphoreSlim(AskedAtOnce);
        ObservedNode[] nodes = await Task.WhenAll(entries.Select(found => LookAtAsync(found.Entry, found.Age, gate, cancellationToken)));
        chosen = chosen with { Nodes = nodes.Length };
        return StatusRules.Assess(_swarm.ToString(), chosen, models.Select(other => other.Identity == chosen.Identity ? chosen : other), nodes);
    }

    /// <summary>Every node of the swarm, whatever its model, that says it came by a grant.</summary>
    public async Task<IReadOnlyList<NodeEntry>> FindWhoCameByAsync(GrantId grant, CancellationToken cancellationToken)
    {
        IReadOnlyList<NodeEntry> all = await FindAllAsync(cancellationToken);
        return [.. all.Where(entry => entry.Grant == grant)];
    }

    /// <summary>Every node of the swarm, whatever its model.</summary>
    public async Task<IReadOnlyList<NodeEntry>> FindAllAsync(CancellationToken cancellationToken)
    {
        var all = new List<NodeEntry>();
        foreach (ObservedModel model in await FindModelsAsync(cancellationToken))
            all.AddRange((await FindNodesAsync(model, cancellationToken)).Select(found => found.Entry));
        return all;
    }

    /// <summary>The model that a name, or the beginning of an identity, means: a plain function. The models come most nodes first.</summary>
    internal static ObservedModel? Choose(ImmutableArray<ObservedModel> models, string? wanted)
    {
        if (wanted is null)
            return models.FirstOrDefault();
        return models.FirstOrDefault(model => model.Name == wanted)
            ?? models.FirstOrDefault(model => wanted.Length >= LeastIdentityLength && model.Identity.StartsWith(wanted, StringComparison.OrdinalIgnoreCase));
    }

    private async Task<ImmutableArray<ObservedModel>> FindModelsAsync(CancellationToken cancellationToken)
    {
        FindOutcome outcome = await _network.FindAsync(DirectoryKeys.Models(_swarm), cancellationToken);
        ServedModel[] served =
        [
            .. outcome.Records.Where(found => _policy.Check(found.Record) is null)
                .Select(found => DirectoryPayload.Parser.ParseFrom(found.Record.Payload.Span))
                .Where(payload => payload.BodyCase == DirectoryPayload.BodyOneofCase.Model)
                .Select(payload => payload.Model),
        ];

        // One node's word for blocks and name does not outweigh those of others.
        return
        [
            .. served.GroupBy(model => model.ModelIdentity)
                .Select(same => new ObservedModel(
                    MostSaid(same.Select(model => model.Name), StringComparer.Ordinal), Convert.ToHexStringLower(same.Key.Span),
                    (int)MostSaid(same.Select(model => model.Blocks), Comparer<uint>.Default), same.Count()))
                .OrderByDescending(model => model.Nodes).ThenBy(model => model.Identity, StringComparer.Ordinal),
        ];
    }

    private async Task<IReadOnlyList<(NodeEntry Entry, TimeSpan Age)>> FindNodesAsync(ObservedModel model, CancellationToken cancellationToken)
    {
        ByteString identity = ByteString.CopyFrom(Convert.FromHexString(model.Identity));
        FindOutcome[] regions = await Task.WhenAll(Enumerable.Range(0, DirectoryKeys.RegionCount(model.Blocks))
            .Select(region => _network.FindAsync(DirectoryKeys.Blocks(_swarm, identity, region), cancellationToken)));
        var newest = new SortedDictionary<PeerId, (NodeEntry Entry, TimeSpan Age)>();
        foreach (FoundRecord found in regions.SelectMany(outcome => outcome.Records))
        {
            if (_policy.Check(found.Record) is not null)
                continue;
            DirectoryPayload payload = DirectoryPayload.Parser.ParseFrom(found.Record.Payload.Span);
            if (payload.BodyCase != DirectoryPayload.BodyOneofCase.Node || payload.Node.ModelBlocks != model.Blocks)
                continue;
            NodeEntry entry = AnnouncementRules.Read(payload.Node);
            if (!newest.TryGetValue(entry.Peer, out (NodeEntry Entry, TimeSpan Age) known) || known.Entry.Sequence < entry.Sequence)
                newest[entry.Peer] = (entry, found.Age);
        }

        return [.. newest.Values.Where(found => found.Entry.State != NodeState.Left)];
    }

    private async Task<ObservedNode> LookAtAsync(NodeEntry entry, TimeSpan age, SemaphoreSlim gate, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        TimeSpan? roundTrip;
        try
        {
            // The first call dials; the second is what a call costs.
            var endpoint = new PeerEndpoint(entry.Peer, entry.Addresses);
            roundTrip = await PingAsync(endpoint, cancellationToken);
            if (roundTrip is not null)
                roundTrip = await PingAsync(endpoint, cancellationToken) ?? roundTrip;
        }
        finally
        {
            gate.Release();
        }

        BlockRange blocks = entry.Blocks.Count > 0 ? entry.Blocks : entry.Target;
        return new ObservedNode
        {
            Peer = entry.Peer,
            Address = entry.Addresses[0].ToString(),
            State = roundTrip is null ? ObservedState.Unreachable : StateOf(entry),
            Blocks = new BlockSpan(blocks.First, blocks.End),
            TokensPerSecond = entry.TokensPerSecond,
            CacheTokensFree = entry.CacheTokensFree,
            Sessions = entry.Sessions,
            Version = entry.Version,
            RoundTrip = roundTrip,
            LastSeen = roundTrip is null ? age : TimeSpan.Zero,
            Grant = entry.Grant?.ToString() ?? "",
        };
    }

    private async Task<TimeSpan?> PingAsync(PeerEndpoint endpoint, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(_patience, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await _network.PingAsync(endpoint, both.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static ObservedState StateOf(NodeEntry entry) => entry.State switch
    {
        NodeState.Serving => ObservedState.Serving,
        NodeState.Paused => ObservedState.Paused,
        NodeState.Leaving => ObservedState.Leaving,
        NodeState.Unreachable => ObservedState.Unreachable,
        _ => ObservedState.Joining,
    };

    private static T MostSaid<T>(IEnumerable<T> said, IComparer<T> order) =>
        said.GroupBy(value => value).OrderByDescending(same => same.Count()).ThenBy(same => same.Key, order).First().Key;
}
