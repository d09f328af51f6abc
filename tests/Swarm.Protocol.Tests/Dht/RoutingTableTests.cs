using FsCheck;
using FsCheck.Fluent;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Dht;

public sealed class RoutingTableTests
{
    private const int BucketSize = 4;

    private static readonly DhtKey Self = DhtKey.Of(Peer(0).Peer);

    /// <summary>Whatever is offered, fails or is removed: buckets stay within k, nobody is there twice, this peer is not there, and the closest are those that a search of all finds.</summary>
    [Fact]
    public void Table_AnySequenceOfEvents_KeepsItsRules() => Check.QuickThrowOnFailure(Prop.ForAll<(byte Kind, byte Peer)[]>(events =>
    {
        var table = new RoutingTable(Self, BucketSize);
        TimeSpan now = TimeSpan.Zero;
        foreach ((byte kind, byte number) in events)
        {
            now += TimeSpan.FromSeconds(1);
            switch (kind % 4)
            {
                case 0 or 1:
                    table.Offer(Peer(number), now, out _);
                    break;
                case 2:
                    table.Fail(Peer(number).Peer, now);
                    break;
                default:
                    table.Remove(Peer(number).Peer, now);
                    Assert.Null(table.Find(Peer(number).Peer));
                    break;
            }
        }

        Contact[] all = [.. table.Contacts];
        Assert.Equal(table.Count, all.Length);
        Assert.Equal(all.Length, all.Select(contact => contact.Peer).Distinct().Count());
        Assert.DoesNotContain(Peer(0).Peer, all.Select(contact => contact.Peer));
        Assert.All(all.GroupBy(contact => contact.Place.DistanceTo(Self).LeadingZeros), bucket => Assert.True(bucket.Count() <= BucketSize));
        foreach (DhtKey target in (DhtKey[])[Self, DhtKey.Of(Peer(7).Peer), DhtKey.Of(Peer(201).Peer)])
        {
            Assert.Equal(
                all.OrderBy(contact => contact.Place.DistanceTo(target)).Take(6).Select(contact => contact.Peer), table.Closest(target, 6, sound: false).Select(contact => contact.Peer));
        }
    }));

    [Fact]
    public void Offer_ToAFullBucket_KeepsTheOldAndNamesTheOldest()
    {
        (RoutingTable table, List<Contact> bucket, Contact newcomer) = FullBucket();

        TableOffer offer = table.Offer(newcomer, TimeSpan.FromSeconds(100), out Contact? oldest);

        Assert.Equal(TableOffer.Waits, offer);
        Assert.Equal(bucket[0].Peer, oldest!.Peer);
        Assert.Equal(bucket.Select(contact => contact.Peer), table.Contacts.Select(contact => contact.Peer));
    }

    [Fact]
    public void Fail_OfTheOldestWhileOneWaits_GivesItsPlaceAway()
    {
        (RoutingTable table, List<Contact> bucket, Contact newcomer) = FullBucket();
        table.Offer(newcomer, TimeSpan.FromSeconds(100), out _);

        Assert.True(table.Fail(bucket[0].Peer, TimeSpan.FromSeconds(101)));

        Assert.Null(table.Find(bucket[0].Peer));
        Assert.NotNull(table.Find(newcomer.Peer));
    }

    [Fact]
    public void Fail_WhileNobodyWaits_TakesThreeInARow()
    {
        var table = new RoutingTable(Self, BucketSize);
        table.Offer(Peer(1), TimeSpan.Zero, out _);

        Assert.False(table.Fail(Peer(1).Peer, TimeSpan.Zero));
        Assert.False(table.Fail(Peer(1).Peer, TimeSpan.Zero));
        Assert.Empty(table.Closest(Self, 5, sound: true));
        table.Offer(Peer(1), TimeSpan.Zero, out _);
        Assert.False(table.Fail(Peer(1).Peer, TimeSpan.Zero));
        Assert.False(table.Fail(Peer(1).Peer, TimeSpan.Zero));
        Assert.True(table.Fail(Peer(1).Peer, TimeSpan.Zero));
        Assert.Equal(0, table.Count);
    }

    private static (RoutingTable Table, List<Contact> Bucket, Contact Newcomer) FullBucket()
    {
        var table = new RoutingTable(Self, BucketSize);
        List<Contact> far = [.. Enumerable.Range(1, 200).Select(number => Peer(number)).Where(peer => peer.Place.DistanceTo(Self).LeadingZeros == 0).Take(BucketSize + 1)];
        for (int at = 0; at < BucketSize; at++)
            Assert.Equal(TableOffer.Added, table.Offer(far[at], TimeSpan.FromSeconds(at), out _));
        return (table, far[..BucketSize], far[BucketSize]);
    }

    private static Contact Peer(int number) => new(PeerId.OfPublicKey([(byte)number, (byte)(number >> 8)]), [new PeerAddress("127.0.0.1", 1000 + number)]);
}
