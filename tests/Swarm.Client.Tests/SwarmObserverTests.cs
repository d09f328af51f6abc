using System.Collections.Immutable;
using Google.Protobuf;
using Swarm.Client.Observing;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Client.Tests;

/// <summary>What an observer makes of the records that it finds and of the nodes that it asks.</summary>
public sealed class SwarmObserverTests : IDisposable
{
    private static readonly SwarmId Swarm = new(Enumerable.Repeat((byte)7, SwarmId.Length).ToArray());
    private static readonly ByteString First = ByteString.CopyFrom(Enumerable.Repeat((byte)0xaa, 32).ToArray());
    private static readonly ByteString Second = ByteString.CopyFrom(Enumerable.Repeat((byte)0xbb, 32).ToArray());

    private readonly FakeNetwork _network = new();
    private readonly List<PeerKey> _keys = [];
    private readonly SwarmObserver _observer;

    public SwarmObserverTests() => _observer = new SwarmObserver(Swarm, _network, TimeProvider.System, TimeSpan.FromSeconds(30));

    public void Dispose() => _keys.ForEach(key => key.Dispose());

    [Fact]
    public async Task Observe_EmptySwarm_HasNoModelAndSaysSo()
    {
        SwarmStatus status = await _observer.ObserveAsync(null, CancellationToken.None);
        Assert.Null(status.Model);
        Assert.Equal(StatusAlertCode.NoNodes, status.Alerts.Single().Code);
        Assert.Equal(Swarm.ToString(), status.Swarm);
    }

    [Fact]
    public async Task Observe_NodesThatAnswer_CountAndAreTimed()
    {
        PeerId one = Announce(First, 40, 0, 33);
        PeerId two = Announce(First, 40, 30, 40);
        SwarmStatus status = await _observer.ObserveAsync(null, CancellationToken.None);
        Assert.Equal(new ObservedModel("aa", new string('a', 64), 40, 2), status.Model);
        Assert.Equal([one, two], status.Nodes.Select(node => node.Peer));
        Assert.Equal(1, status.Replicas[29]);
        Assert.Equal(2, status.Replicas[32]);
        Assert.Equal(1, status.Replicas[39]);
        Assert.All(status.Nodes, node => Assert.Equal(FakeNetwork.RoundTrip, node.RoundTrip));
        Assert.All(status.Nodes, node => Assert.Equal(TimeSpan.Zero, node.LastSeen));
    }

    [Fact]
    public async Task Observe_NodeThatDoesNotAnswer_IsShownAndDoesNotCount()
    {
        Announce(First, 10, 0, 10);
        PeerId dead = Announce(First, 10, 0, 10, age: TimeSpan.FromSeconds(9));
        _network.Dead.Add(dead);
        SwarmStatus status = await _observer.ObserveAsync(null, CancellationToken.None);
        Assert.All(status.Replicas, replicas => Assert.Equal(1, replicas));
        ObservedNode node = status.Nodes.Single(node => node.Peer == dead);
        Assert.Equal(ObservedState.Unreachable, node.State);
        Assert.Null(node.RoundTrip);
        Assert.Equal(TimeSpan.FromSeconds(9), node.LastSeen);
    }

    [Theory]
    [InlineData(NodeState.Joining, ObservedState.Joining)]
    [InlineData(NodeState.Paused, ObservedState.Paused)]
    [InlineData(NodeState.Leaving, ObservedState.Leaving)]
    [InlineData(NodeState.Unreachable, ObservedState.Unreachable)]
    public async Task Observe_NodeThatTakesNoSessions_IsShownInItsState(NodeState announced, ObservedState expected)
    {
        Announce(First, 10, 0, 10, announced);
        SwarmStatus status = await _observer.ObserveAsync(null, CancellationToken.None);
        Assert.Equal(expected, status.Nodes.Single().State);
        Assert.Equal(new BlockSpan(0, 10), status.Nodes.Single().Blocks);
        Assert.Contains(status.Alerts, alert => alert.Code == StatusAlertCode.UncoveredBlocks);
    }

    [Fact]
    public async Task Observe_NodeThatLeft_IsNotShown()
    {
        Announce(First, 10, 0, 10);
        PeerId gone = Announce(First, 10, 0, 10, NodeState.Left);
        SwarmStatus status = await _observer.ObserveAsync(null, CancellationToken.None);
        Assert.DoesNotContain(status.Nodes, node => node.Peer == gone);
    }

    [Fact]
    public async Task Observe_OlderRecordInAnotherRegion_DoesNotStandBesideTheNewer()
    {
        PeerKey key = NewKey();
        Announce(First, 64, 0, 10, key: key, sequence: 1);
        Announce(First, 64, 32, 40, key: key, sequence: 2);
        SwarmStatus status = await _observer.ObserveAsync(null, CancellationToken.None);
        Assert.Equal(new BlockSpan(32, 40), status.Nodes.Single().Blocks);
    }

    [Theory]
    [InlineData(null, 'a')]
    [InlineData("bb", 'b')]
    [InlineData("bbbbbb", 'b')]
    public async Task Observe_TwoModels_ShowsTheOneMeantAndNamesBoth(string? wanted, char expected)
    {
        Announce(First, 10, 0, 10);
        Announce(First, 10, 0, 10);
        Announce(Second, 20, 0, 20);
        SwarmStatus status = await _observer.ObserveAsync(wanted, CancellationToken.None);
        Assert.Equal(new string(expected, 64), status.Model!.Identity);
        Assert.Equal(["aa", "bb"], status.Models.Select(model => model.Name));
        Assert.Equal(expected == 'a' ? 10 : 20, status.Replicas.Length);
    }

    [Fact]
    public async Task Observe_ModelThatNobodyServes_NamesIt()
    {
        Announce(First, 10, 0, 10);
        SwarmStatus status = await _observer.ObserveAsync("cc", CancellationToken.None);
        Assert.Empty(status.Nodes);
        Assert.Contains("no node serves cc", status.Alerts.Single().Message, StringComparison.Ordinal);
        Assert.Equal("aa", status.Models.Single().Name);
    }

    [Fact]
    public async Task FindWhoCameBy_AGrant_FindsThemInEveryModel()
    {
        GrantId grant = new(Enumerable.Repeat((byte)3, GrantId.Length).ToArray());
        PeerId one = Announce(First, 10, 0, 10, grant: grant);
        PeerId two = Announce(Second, 10, 0, 10, grant: grant);
        Announce(First, 10, 0, 10);
        IReadOnlyList<NodeEntry> came = await _observer.FindWhoCameByAsync(grant, CancellationToken.None);
        Assert.Equal(new[] { one, two }.Order(), came.Select(node => node.Peer).Order());
    }

    private PeerKey NewKey()
    {
        PeerKey key = PeerKey.Create();
        _keys.Add(key);
        return key;
    }

    private PeerId Announce(
        ByteString model, int modelBlocks, int start, int end, NodeState state = NodeState.Serving, TimeSpan age = default, PeerKey? key = null,
        ulong sequence = 1, GrantId? grant = null)
    {
        key ??= NewKey();
        string name = Convert.ToHexStringLower(model.Span[..1]);
        BlockRange blocks = new(start, end);
        bool joins = state == NodeState.Joining;
        NodeEntry entry = new()
        {
            Peer = key.Id,
            Addresses = [new PeerAddress("10.0.0.1", 31330)],
            ModelIdentity = model,
            ModelName = name,
            ModelBlocks = modelBlocks,
            State = state,
            Blocks = joins ? default : blocks,
            Target = joins ? blocks : default,
            CacheTokensFree = 100,
            Sequence = sequence,
            Grant = grant,
        };
        _network.Put(
            DirectoryKeys.Models(Swarm), key, sequence, age,
            new DirectoryPayload { Model = new ServedModel { ModelIdentity = model, Name = name, Blocks = (uint)modelBlocks, ConfigHash = model } });
        foreach (int region in DirectoryKeys.RegionsOf(entry))
            _network.Put(DirectoryKeys.Blocks(Swarm, model, region), key, sequence, age, new DirectoryPayload { Node = AnnouncementRules.Write(entry) });
        return key.Id;
    }

    /// <summary>Records that are simply there.</summary>
    private sealed class FakeNetwork : IRecordNetwork
    {
        public static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(3);

        private readonly SortedDictionary<string, List<FoundRecord>> _records = new(StringComparer.Ordinal);

        public HashSet<PeerId> Dead { get; } = [];

        public void Put(DhtKey key, PeerKey signer, ulong sequence, TimeSpan age, DirectoryPayload payload)
        {
            DateTimeOffset now = TimeProvider.System.GetUtcNow();
            SignedRecord wire = SignedRecords.Create(signer, key, Swarm, DirectoryRecordPolicy.Schema, sequence, TimeSpan.FromSeconds(60), now, payload.ToByteArray());
            Assert.Null(SignedRecords.Verify(wire, Swarm, now, new DirectoryRecordPolicy(Swarm), out DhtRecord? record));
            List<FoundRecord> under = _records.TryGetValue(key.ToString(), out List<FoundRecord>? known) ? known : _records[key.ToString()] = [];
            under.RemoveAll(found => found.Record.Signer == signer.Id);
            under.Add(new FoundRecord(record!, age));
        }

        public Task<StoreOutcome> StoreAsync(SignedRecord record, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<FindOutcome> FindAsync(DhtKey key, CancellationToken cancellationToken) =>
            Task.FromResult(new FindOutcome(_records.TryGetValue(key.ToString(), out List<FoundRecord>? known) ? [.. known] : ImmutableArray<FoundRecord>.Empty, 1, 1, 1));

        public Task<TimeSpan?> PingAsync(PeerEndpoint endpoint, CancellationToken cancellationToken) =>
            Task.FromResult<TimeSpan?>(Dead.Contains(endpoint.Peer) ? null : RoundTrip);
    }
}
