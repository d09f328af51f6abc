using Swarm.Protocol.Dht;
using Swarm.Protocol.Tests.Transport;

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
}
