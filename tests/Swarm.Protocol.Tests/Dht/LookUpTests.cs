using Swarm.Protocol.Dht;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Dht;

public sealed class LookUpTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly DhtKey Target = DhtKey.Of(default, "target", []);
    private static readonly Contact[] Near = [.. Enumerable.Range(1, 200).Select(Peer).OrderBy(peer => peer.Place.DistanceTo(Target))];

    [Fact]
    public void Next_AtTheStart_AsksOneOnEachPath() =>
        Assert.Equal([Near[0].Peer, Near[1].Peer, Near[2].Peer], Start(LookUpRules.ForPeers, Near[..20]).Next(TimeSpan.Zero).Select(contact => contact.Peer));

    [Fact]
    public void Next_AfterAMuteCall_OvertakesItAndStillTakesItsAnswer()
    {
        LookUp lookUp = Start(LookUpRules.ForPeers, Near[..20]);
        Contact mute = lookUp.Next(TimeSpan.Zero)[0];
        Assert.Empty(lookUp.Next(TimeSpan.FromSeconds(0.9)));
        Assert.Equal(Patience, lookUp.Deadline);

        Assert.Equal(3, lookUp.Next(Patience).Count);
        lookUp.Answer(mute.Peer, [], isHolder: false);

        Assert.Equal(1, lookUp.Answers);
        Assert.Equal([mute.Peer], lookUp.Nearest.Select(contact => contact.Peer));
    }

    [Fact]
    public void Next_AllAnswer_EndsWithTheNearest()
    {
        LookUp lookUp = Start(LookUpRules.ForPeers, Near[50..60]);
        Complete(lookUp, peer => [.. Near[..40].Select(contact => contact.ToWire())]);

        Assert.Equal(Near[..20].Select(contact => contact.Peer), lookUp.Nearest.Select(contact => contact.Peer));
        Assert.Equal(0, lookUp.Unanswered);
    }

    [Fact]
    public void Next_QuorumOfHoldersOnTwoPaths_Ends()
    {
        LookUp lookUp = Start(LookUpRules.ForRecords, Near[..20]);
        int answered = Complete(lookUp, _ => [], _ => true);

        Assert.True(lookUp.IsDone);
        Assert.InRange(answered, 4, 8);
        Assert.InRange(lookUp.Rounds, 1, 3);
    }

    /// <summary>One of three starting points names peers that do not exist, nearer than all others: the other paths arrive all the same.</summary>
    [Fact]
    public void Next_LiarNamesNearerGhosts_OtherPathsArrive()
    {
        LookUp lookUp = Start(LookUpRules.ForPeers, Near[100..103]);
        DhtContact[] ghosts = [.. Enumerable.Range(0, 20).Select(number => new Contact(Ghost(number), [new PeerAddress("127.0.0.1", 9)]).ToWire())];
        Complete(lookUp, peer => peer == Near[100].Peer ? ghosts : [.. Near[..20].Select(contact => contact.ToWire())], failing: peer => !Near.Any(contact => contact.Peer == peer));

        Assert.Equal(Near[..20].Select(contact => contact.Peer), lookUp.Nearest.Select(contact => contact.Peer));
    }

    [Fact]
    public void Next_PeersInventedWithoutEnd_StopsAtTheLimit()
    {
        LookUp lookUp = Start(LookUpRules.ForPeers, Near[..3]);
        int invented = 0;
        Complete(lookUp, _ => [.. Enumerable.Range(0, 20).Select(_ => new Contact(Ghost(invented++), [new PeerAddress("127.0.0.1", 9)]).ToWire())]);

        Assert.True(lookUp.IsDone);
        Assert.InRange(lookUp.Asked, 1, LookUp.MaxCalls);
    }

    [Fact]
    public void Next_SuspectsOnly_AreAskedAfterAll()
    {
        var lookUp = new LookUp(Target, Peer(0).Peer, LookUpRules.ForPeers, Patience, Near[..2], _ => true);

        Assert.Equal(2, lookUp.Next(TimeSpan.Zero).Count);
    }

    [Fact]
    public void Answer_ContactsThatAreMalformed_AreLeftOut()
    {
        LookUp lookUp = Start(LookUpRules.ForPeers, Near[100..103]);
        DhtContact[] malformed =
        [
            new DhtContact(), new DhtContact { Peer = Near[0].Peer.ToByteString() }, new DhtContact { Peer = Near[1].Peer.ToByteString(), Addresses = { "nowhere" } },
            new DhtContact { Peer = Near[2].Peer.ToByteString(), Addresses = { "127.0.0.1:0" } },
        ];
        Complete(lookUp, _ => malformed);

        Assert.Equal(Near[100..103].Select(contact => contact.Peer), lookUp.Nearest.Select(contact => contact.Peer));
    }

    private static LookUp Start(LookUpRules rules, Contact[] start) => new(Target, Peer(0).Peer, rules, Patience, start, _ => false);

    private static int Complete(LookUp lookUp, Func<PeerId, DhtContact[]> named, Func<PeerId, bool>? holds = null, Func<PeerId, bool>? failing = null)
    {
        var running = new Queue<Contact>();
        int answered = 0;
        while (!lookUp.IsDone)
        {
            foreach (Contact contact in lookUp.Next(TimeSpan.Zero))
                running.Enqueue(contact);
            if (!running.TryDequeue(out Contact? asked))
                continue;
            if (failing?.Invoke(asked.Peer) == true)
            {
                lookUp.Fail(asked.Peer);
                continue;
            }

            answered++;
            lookUp.Answer(asked.Peer, named(asked.Peer), holds?.Invoke(asked.Peer) ?? false);
        }

        return answered;
    }

    /// <summary>An id that shares the target's first three bytes.</summary>
    private static PeerId Ghost(int number)
    {
        byte[] bytes = Target.ToByteString().ToByteArray();
        BitConverter.TryWriteBytes(bytes.AsSpan(4), number + 1);
        return new PeerId(bytes);
    }

    private static Contact Peer(int number) => new(PeerId.OfPublicKey([(byte)number, (byte)(number >> 8)]), [new PeerAddress("127.0.0.1", 1000 + number)]);
}
