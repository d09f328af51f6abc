using Grpc.Core;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Tests.Transport;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Dht;

/// <summary>A few real peers: the same over both transports.</summary>
public sealed class DhtNodeTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    public static TheoryData<string> Kinds => [nameof(TransportKind.InMemory), nameof(TransportKind.Grpc)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task FindAsync_RecordStoredByOneOfSix_IsFoundByAll(string kind)
    {
        await using var peers = new DhtPeers(Enum.Parse<TransportKind>(kind));
        DhtPeer[] all = await peers.JoinAsync(6);
        DhtKey key = DhtKey.Of(peers.Swarm, "test", [1]);

        StoreOutcome stored = await all[3].Node.StoreAsync(peers.Record(all[3], key), None);

        Assert.Equal(6, stored.Holders.Length);
        foreach (DhtPeer peer in all)
        {
            FindOutcome found = await peer.Node.FindAsync(key, None);
            FoundRecord record = Assert.Single(found.Records);
            Assert.Equal(all[3].Id, record.Record.Signer);
            Assert.Equal("hello", TestPolicy.TextOf(record.Record));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task FindAsync_ByAClient_FindsAndIsInNobodysTable(string kind)
    {
        await using var peers = new DhtPeers(Enum.Parse<TransportKind>(kind));
        DhtPeer[] all = await peers.JoinAsync(3);
        DhtKey key = DhtKey.Of(peers.Swarm, "test", [2]);
        await all[0].Node.StoreAsync(peers.Record(all[0], key), None);
        DhtPeer client = await peers.AddAsync(isClient: true);

        JoinOutcome joined = await client.Node.JoinAsync([all[1].Address], None);
        StoreOutcome stored = await client.Node.StoreAsync(peers.Record(client, key), None);
        FindOutcome found = await client.Node.FindAsync(key, None);

        Assert.Equal(3, joined.Contacts);
        Assert.Equal(3, stored.Holders.Length);
        Assert.Equal(2, found.Records.Length);
        Assert.All(all, peer => Assert.DoesNotContain(client.Id, peer.Node.Contacts.Select(contact => contact.Peer)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Call_OfAnotherWireVersion_IsRefusedNamingBoth(string kind)
    {
        await using var peers = new DhtPeers(Enum.Parse<TransportKind>(kind));
        DhtPeer[] all = await peers.JoinAsync(2);

        RpcException refusal = await Assert.ThrowsAsync<RpcException>(async () => await all[0].Transport.Connect(all[1].Address, ConnectionClass.Bulk)
            .AsyncUnaryCall(DhtMethods.Ping, null, default, new PingRequest { WireVersion = 99 }).ResponseAsync);

        Assert.Equal(StatusCode.FailedPrecondition, refusal.StatusCode);
        Assert.Contains("99", refusal.Status.Detail, StringComparison.Ordinal);
        Assert.Contains($"this node has {WireVersion.Current}", refusal.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task JoinAsync_NobodyListens_SaysWhyAndIsAlone()
    {
        await using var peers = new DhtPeers(TransportKind.InMemory);
        DhtPeer peer = await peers.AddAsync();

        JoinOutcome outcome = await peer.Node.JoinAsync([new PeerAddress("127.0.0.1", 1), peer.Address], None);

        Assert.Equal(0, outcome.Contacts);
        Assert.Equal(FaultKind.PeerUnreachable, Assert.Single(outcome.Faults).Fault);
    }

    [Fact]
    public async Task PingAsync_PeerThatLeft_IsNullAndForgetEmptiesTheTable()
    {
        await using var peers = new DhtPeers(TransportKind.InMemory);
        DhtPeer[] all = await peers.JoinAsync(2);
        Assert.NotNull(await all[0].Node.PingAsync(new PeerEndpoint(all[1].Id, all[1].Address), None));

        await all[1].StopAsync();

        Assert.Null(await all[0].Node.PingAsync(new PeerEndpoint(all[1].Id, all[1].Address), None));
        all[0].Node.Forget(all[1].Id);
        Assert.Empty(all[0].Node.Contacts);
    }

    [Fact]
    public async Task StoreAsync_RecordThatEverybodyWouldRefuse_Throws()
    {
        await using var peers = new DhtPeers(TransportKind.InMemory);
        DhtPeer peer = await peers.AddAsync();
        SignedRecord record = peers.Record(peer, DhtKey.Of(peers.Swarm, "test", []));
        record.Signature = Google.Protobuf.ByteString.CopyFrom(new byte[64]);

        ArgumentException refusal = await Assert.ThrowsAsync<ArgumentException>(() => peer.Node.StoreAsync(record, None));

        Assert.Contains(nameof(RecordRefusal.BadSignature), refusal.Message, StringComparison.Ordinal);
    }
}
