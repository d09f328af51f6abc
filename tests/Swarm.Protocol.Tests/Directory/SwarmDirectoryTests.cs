using Google.Protobuf;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using VirtualWorld = Swarm.Simulation.VirtualWorld;

namespace Swarm.Protocol.Tests.Directory;

/// <summary>Many directories on one virtual clock: who hears of whom, and of whose death, how soon.</summary>
public sealed class SwarmDirectoryTests
{
    private readonly VirtualWorld _time = new();
    private readonly InMemoryNetwork _network = new();
    private readonly SwarmId _swarm = new(Enumerable.Repeat((byte)3, 32).ToArray());
    private readonly DirectoryRecordPolicy _policy;
    private readonly FakeRecords _records;
    private readonly List<Member> _members = [];
    private readonly CancellationTokenSource _stop = new();

    public SwarmDirectoryTests()
    {
        _policy = new DirectoryRecordPolicy(_swarm);
        _records = new FakeRecords(_swarm, _policy, _time);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(60)]
    public void Death_RefusedConnections_IsKnownToAllWithin15Seconds(int count) => Run(async () =>
    {
        await StartAsync(count);
        Member victim = _members[count / 2];

        await KillAsync(victim);
        _records.Dead.Add(victim.Peer);
        await AdvanceAsync(TimeSpan.FromSeconds(15), () => Survivors(victim).All(member => member.Directory.Snapshot.Find(victim.Peer) is null));

        Assert.All(Survivors(victim), member => Assert.Null(member.Directory.Snapshot.Find(victim.Peer)));
        Assert.All(Survivors(victim), member => Assert.Equal(count - 1, member.Directory.Snapshot.Nodes.Length));
    });

    [Theory]
    [InlineData(4)]
    [InlineData(60)]
    public void Death_Silence_IsKnownToAllWithin15Seconds(int count) => Run(async () =>
    {
        await StartAsync(count);
        Member victim = _members[count / 2];

        await KillAsync(victim);
        _records.Mute.Add(victim.Peer);
        await AdvanceAsync(TimeSpan.FromSeconds(15), () => Survivors(victim).All(member => member.Directory.Snapshot.Find(victim.Peer) is null));

        Assert.All(Survivors(victim), member => Assert.Null(member.Directory.Snapshot.Find(victim.Peer)));
    });

    [Fact]
    public void Suspicion_OfAnHonestNode_CostsItAPingAndNothingElse() => Run(async () =>
    {
        await StartAsync(5);
        await AdvanceAsync(TimeSpan.FromSeconds(5));
        PeerId honest = _members[0].Peer;

        foreach (Member member in _members)
        {
            var lie = new ExchangeRequest { WireVersion = WireVersion.Current, ModelIdentity = Announced.Model };
            lie.Suspicions.Add(new Suspicion { Peer = honest.ToByteString(), Sequence = ulong.MaxValue });
            Assert.Null(member.Directory.Answer(default, lie, out _));
        }

        await AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.All(_members, member => Assert.NotNull(member.Directory.Snapshot.Find(honest)));
    });

    [Fact]
    public void Publish_AChange_IsSeenByAllWithoutALookUp() => Run(async () =>
    {
        await StartAsync(20);

        await PublishAsync(_members[3], NodeState.Leaving, sequence: 9);

        Assert.All(_members, member => Assert.Equal(NodeState.Leaving, member.Directory.Snapshot.Find(_members[3].Peer)!.State));
    });

    [Fact]
    public void ReportFailure_OfAClient_HidesAtOnceAndAnAnswerBringsBack() => Run(async () =>
    {
        await StartAsync(3);
        Member client = NewMember(isClient: true);
        await client.Directory.RefreshAsync();
        _ = client.Directory.RunAsync(_stop.Token);
        Assert.Equal(3, client.Directory.Snapshot.Nodes.Length);

        client.Directory.ReportFailure(_members[1].Peer, FaultKind.PeerLost);
        Assert.Equal(2, client.Directory.Snapshot.Nodes.Length);

        // It lives: the nodes that were told do not believe it, and the client's next probe finds out.
        await AdvanceAsync(TimeSpan.FromSeconds(3));
        Assert.All(_members.Take(3), member => Assert.NotNull(member.Directory.Snapshot.Find(_members[1].Peer)));
        Assert.Equal(3, client.Directory.Snapshot.Nodes.Length);
    });

    [Fact]
    public void Client_ThatComesAfterADeath_HearsOfItFromTheNodes() => Run(async () =>
    {
        await StartAsync(6);
        Member victim = _members[2];
        await KillAsync(victim);
        _records.Dead.Add(victim.Peer);
        await AdvanceAsync(TimeSpan.FromSeconds(10), () => Survivors(victim).All(member => member.Directory.Snapshot.Find(victim.Peer) is null));

        // The record of the dead is still held.
        Member client = NewMember(isClient: true);
        await client.Directory.RefreshAsync();

        Assert.Equal(5, client.Directory.Snapshot.Nodes.Length);
    });

    [Fact]
    public void Answer_TooMuch_IsRefusedWithItsLimit() => Run(async () =>
    {
        await StartAsync(1);
        var request = new ExchangeRequest { WireVersion = WireVersion.Current, ModelIdentity = Announced.Model };
        request.Suspicions.Add(Enumerable.Repeat(new Suspicion { Peer = ByteString.Empty }, 65));
        Assert.Contains("suspicions: 65", _members[0].Directory.Answer(default, request, out _));
        request.Records.Add(Enumerable.Repeat(new HeldRecord(), 65));
        Assert.Contains("records: 65", _members[0].Directory.Answer(default, request, out _));
    });

    private IEnumerable<Member> Survivors(Member victim) => _members.Where(member => member != victim && !member.IsClient);

    private async Task StartAsync(int count)
    {
        for (int number = 0; number < count; number++)
        {
            Member member = NewMember(isClient: false);
            var service = new DirectoryService();
            service.Serve(member.Directory);
            await member.Transport.ListenAsync(member.Address, [service.Definition()], CancellationToken.None);
            await member.Directory.RefreshAsync();
            await PublishAsync(member, NodeState.Serving, sequence: 1);
        }

        foreach (Member member in _members)
        {
            await member.Directory.RefreshAsync();
            _ = member.Directory.RunAsync(_stop.Token);
        }

        Assert.All(_members, member => Assert.Equal(count, member.Directory.Snapshot.Nodes.Length));
    }

    private Member NewMember(bool isClient)
    {
        var key = PeerKey.Create();
        var address = new PeerAddress("127.0.0.1", 1000 + _members.Count);
        var transport = new InMemoryTransport(_network, new TransportOptions { TimeProvider = _time });
        var directory = new SwarmDirectory(
            new DirectoryOptions
            {
                Swarm = _swarm,
                ModelIdentity = Announced.Model,
                ModelBlocks = 8,
                Self = isClient ? null : key.Id,
                Time = _time,
                Random = new SeededRandomSource((ulong)_members.Count + 1),
            },
            _records, transport, _policy, null);
        var member = new Member(key, address, transport, directory, isClient);
        _members.Add(member);
        return member;
    }

    private async Task PublishAsync(Member member, NodeState state, ulong sequence)
    {
        NodeEntry entry = Announced.Node(1, sequence, state) with { Peer = member.Peer, Addresses = [member.Address] };
        byte[] payload = new DirectoryPayload { Node = AnnouncementRules.Write(entry) }.ToByteArray();
        SignedRecord record = SignedRecords.Create(
            member.Key, DirectoryKeys.Blocks(_swarm, Announced.Model, 0), _swarm, DirectoryRecordPolicy.Schema, sequence, DirectoryLimits.AnnouncementLife,
            _time.GetUtcNow(), payload);
        await _records.StoreAsync(record, CancellationToken.None);
        await member.Directory.PublishAsync(entry, record, CancellationToken.None);
    }

    // Its loops end too: a dead process probes nobody.
    private static async Task KillAsync(Member victim)
    {
        await victim.Directory.DisposeAsync();
        await victim.Transport.DisposeAsync();
    }

    // All on one thread: who hears of what, and when, depends on the clock alone, however busy the machine is.
    private void Run(Func<Task> story) => _time.Run(async () =>
    {
        try
        {
            await story();
        }
        finally
        {
            _stop.Cancel();
            foreach (Member member in _members)
            {
                await member.Directory.DisposeAsync();
                await member.Transport.DisposeAsync();
                member.Key.Dispose();
            }
        }

        return true;
    });

    private async Task AdvanceAsync(TimeSpan time, Func<bool>? until = null)
    {
        TimeSpan end = _time.Elapsed + time;
        while (_time.Elapsed < end && until?.Invoke() != true)
            await Task.Delay(TimeSpan.FromMilliseconds(50), _time);
    }

    private sealed record Member(PeerKey Key, PeerAddress Address, InMemoryTransport Transport, SwarmDirectory Directory, bool IsClient)
    {
        public PeerId Peer => Key.Id;
    }
}
