using Swarm.Protocol.Directory;

namespace Swarm.Protocol.Tests.Directory;

/// <summary>Who is seen, who is hidden, and what brings them back.</summary>
public sealed class DirectoryViewTests
{
    private static readonly TimeSpan Life = DirectoryLimits.AnnouncementLife;

    private readonly DirectoryView _view = new(Announced.Model);

    [Fact]
    public void Merge_NewAndNewer_SaysWhatChanged()
    {
        Assert.Equal(DirectoryChange.Added, Put(1, sequence: 2, at: 0));
        Assert.Equal(DirectoryChange.None, Put(1, sequence: 2, at: 1));
        Assert.Equal(DirectoryChange.Updated, Put(1, sequence: 3, at: 2));
        Assert.Equal(DirectoryChange.None, Put(1, sequence: 2, at: 3));
        Assert.Equal(DirectoryChange.Removed, Put(1, sequence: 4, at: 4, NodeState.Left));
        Assert.Equal(DirectoryChange.None, Put(1, sequence: 3, at: 5));
        Assert.Empty(Seen(5));
    }

    [Fact]
    public void Snapshot_LifeOver_IsEmpty()
    {
        Put(1, at: 100);
        _view.Merge(Announced.Node(2), TimeSpan.FromSeconds(20), Life, Seconds(100));
        _view.Merge(Announced.Node(3), Life, Life, Seconds(100));

        Assert.Equal([1, 2], Seen(139));
        Assert.Equal([1], Seen(140));
        Assert.Equal([Announced.Peer(2)], _view.Expire(Seconds(140)));
        Assert.Equal([Announced.Peer(1)], _view.Expire(Seconds(160)));
        Assert.Equal(0, _view.Count);
    }

    [Fact]
    public void Merge_SameAnnouncementFresher_LivesLonger()
    {
        _view.Merge(Announced.Node(1), TimeSpan.FromSeconds(50), Life, Seconds(100));
        _view.Merge(Announced.Node(1), TimeSpan.FromSeconds(5), Life, Seconds(100));
        _view.Merge(Announced.Node(1), TimeSpan.FromSeconds(40), Life, Seconds(100));

        Assert.Equal([1], Seen(154));
        Assert.Empty(Seen(155));
    }

    [Fact]
    public void Merge_AnotherModel_IsNotSeen()
    {
        NodeEntry other = Announced.Node(1) with { ModelIdentity = Google.Protobuf.ByteString.CopyFrom(new byte[32]) };

        Assert.Equal(DirectoryChange.None, _view.Merge(other, TimeSpan.Zero, Life, Seconds(0)));
        Assert.Equal(0, _view.Count);
    }

    [Fact]
    public void Merge_FullView_TakesNobodyElse()
    {
        for (int number = 0; number < ChainLimits.MaxAnnouncements; number++)
            Put(number, at: 0);

        Assert.Equal(DirectoryChange.None, Put(60_000, at: 0));
        Assert.Equal(ChainLimits.MaxAnnouncements, _view.Count);
    }

    [Theory]
    [InlineData(FaultKind.PeerLost, true)]
    [InlineData(FaultKind.PeerUnreachable, true)]
    [InlineData(FaultKind.PeerStalled, true)]
    [InlineData(FaultKind.CorruptPacket, true)]
    [InlineData(FaultKind.ProtocolViolation, true)]
    [InlineData(FaultKind.NotAMember, true)]
    [InlineData(FaultKind.NoCapacity, false)]
    [InlineData(FaultKind.Draining, false)]
    [InlineData(FaultKind.UnknownSession, false)]
    [InlineData(FaultKind.InvalidArgument, false)]
    [InlineData(FaultKind.VersionMismatch, false)]
    [InlineData(FaultKind.Internal, false)]
    public void ReportFailure_HidesWhereThePeerIsToBlame(FaultKind fault, bool hides)
    {
        Put(1, at: 0);

        Assert.Equal(hides, _view.ReportFailure(Announced.Peer(1), fault, Seconds(1)));
        Assert.Equal(hides ? [] : [1], Seen(1));
    }

    [Fact]
    public void OnProbe_Answer_BringsTheHiddenBack()
    {
        Put(1, at: 0);
        _view.ReportFailure(Announced.Peer(1), FaultKind.PeerLost, Seconds(0));

        Assert.Empty(_view.DueProbes(Seconds(0.5)));
        Assert.Equal(Announced.Peer(1), _view.DueProbes(Seconds(1)).Single().Peer);
        Assert.Equal(DirectoryChange.Added, Probe(1, ProbeOutcome.Answered, 1));
        Assert.Equal([1], Seen(1));
        Assert.Empty(_view.DueProbes(Seconds(50)));
    }

    [Fact]
    public void OnProbe_StillDead_WaitsTwiceAsLongEachTime()
    {
        Put(1, at: 0);
        _view.ReportFailure(Announced.Peer(1), FaultKind.PeerLost, Seconds(0));
        double at = 0;
        foreach (double wait in (double[])[1, 2, 4, 8, 16, 30, 30])
        {
            // The record is renewed, as holders of an old copy would do.
            _view.Merge(Announced.Node(1), TimeSpan.Zero, Life, Seconds(at));
            Assert.Empty(_view.DueProbes(Seconds(at + wait - 0.1)));
            at += wait;
            Assert.Single(_view.DueProbes(Seconds(at)));
            Assert.Equal(DirectoryChange.None, Probe(1, ProbeOutcome.Refused, at));
        }

        Assert.Empty(Seen(at));
    }

    [Fact]
    public void Merge_NewerAnnouncementOfAHiddenPeer_NeedsAProbe()
    {
        Put(1, at: 0);
        _view.ReportFailure(Announced.Peer(1), FaultKind.PeerLost, Seconds(0));

        Assert.Equal(DirectoryChange.None, Put(1, sequence: 2, at: 0.1));
        Assert.Empty(Seen(0.1));
        Assert.Single(_view.DueProbes(Seconds(0.1)));
        Probe(1, ProbeOutcome.Answered, 0.2);
        Assert.Equal([1], Seen(0.2));
    }

    [Fact]
    public void ReportFailure_OfALiar_OutlastsAnswersForAMinute()
    {
        Put(1, at: 0);
        _view.ReportFailure(Announced.Peer(1), FaultKind.CorruptPacket, Seconds(0));

        Put(1, sequence: 2, at: 30);
        Assert.Empty(_view.DueProbes(Seconds(59)));
        Probe(1, ProbeOutcome.Answered, 59);
        Assert.Empty(Seen(59));
        Assert.Empty(_view.Deaths(Seconds(59)));
        Probe(1, ProbeOutcome.Answered, 60);
        Assert.Equal([1], Seen(60));
    }

    [Fact]
    public void OnProbe_OneSilence_IsChanceAndTwoAreDeath()
    {
        Put(1, at: 0);

        Assert.Equal(DirectoryChange.None, Probe(1, ProbeOutcome.Silent, 2));
        Probe(1, ProbeOutcome.Answered, 4);
        Assert.Equal(DirectoryChange.None, Probe(1, ProbeOutcome.Silent, 6));
        Assert.Equal(DirectoryChange.Removed, Probe(1, ProbeOutcome.Silent, 8));
        Assert.Empty(Seen(8));
    }

    [Fact]
    public void OnProbe_Refusal_IsProofAtOnceAndIsTold()
    {
        Put(1, sequence: 5, at: 0);

        Assert.Equal(DirectoryChange.Removed, Probe(1, ProbeOutcome.Refused, 1));
        Assert.Equal([(Announced.Peer(1), 5ul)], _view.Deaths(Seconds(2)));
        Assert.Empty(_view.Deaths(Seconds(61)));
    }

    [Fact]
    public void ShouldVerify_OnlyWhatIsSeenCurrentAndUnproven()
    {
        Put(1, sequence: 5, at: 0);

        Assert.False(_view.ShouldVerify(Announced.Peer(2), 9, Seconds(0)));
        Assert.False(_view.ShouldVerify(Announced.Peer(1), 4, Seconds(0)));
        Assert.True(_view.ShouldVerify(Announced.Peer(1), 5, Seconds(0)));
        _view.SetVerifying(Announced.Peer(1), true);
        Assert.False(_view.ShouldVerify(Announced.Peer(1), 5, Seconds(0)));
        _view.SetVerifying(Announced.Peer(1), false);
        Probe(1, ProbeOutcome.Answered, 1);
        Assert.False(_view.ShouldVerify(Announced.Peer(1), 5, Seconds(3)));
        Assert.True(_view.ShouldVerify(Announced.Peer(1), 5, Seconds(4)));
        // What others say hides nobody.
        Assert.Equal([1], Seen(4));
    }

    [Fact]
    public void ReportFailure_NoCapacity_CountsAsFullForAMoment()
    {
        Put(1, at: 0);
        _view.ReportFailure(Announced.Peer(1), FaultKind.NoCapacity, Seconds(1));

        Assert.Equal(0, _view.Snapshot(Seconds(3.9)).Nodes[0].CacheTokensFree);
        Assert.Equal(100, _view.Snapshot(Seconds(4)).Nodes[0].CacheTokensFree);
        _view.ReportFailure(Announced.Peer(1), FaultKind.NoCapacity, Seconds(5));
        Put(1, sequence: 2, at: 5.5);
        Assert.Equal(100, _view.Snapshot(Seconds(5.5)).Nodes[0].CacheTokensFree);
    }

    [Fact]
    public void Observe_OwnMeasurements_OutweighTheAnnouncedForAMinute()
    {
        Put(1, at: 0);
        _view.Observe(Announced.Peer(1), TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(5), Seconds(1));
        _view.Observe(Announced.Peer(1), TimeSpan.FromMilliseconds(30), null, Seconds(2));

        NodeEntry node = _view.Snapshot(Seconds(3)).Nodes[0];
        Assert.Equal(23, node.BlockTime.TotalMilliseconds, 3);
        Assert.Equal(5, node.RoundTrip!.Value.TotalMilliseconds, 3);
        Put(1, sequence: 2, at: 61);
        Assert.Equal(10, _view.Snapshot(Seconds(62)).Nodes[0].BlockTime.TotalMilliseconds, 3);
    }

    [Fact]
    public void Successors_AnyRing_EverybodyIsWatchedByAsManyAsHeWatches()
    {
        PeerId[] ring = [.. Enumerable.Range(1, 9).Select(Announced.Peer)];

        var watchers = ring.SelectMany(self => LivenessRules.Successors(ring, self, 3)).GroupBy(peer => peer).ToDictionary(group => group.Key, group => group.Count());

        Assert.Equal([Announced.Peer(9), Announced.Peer(1), Announced.Peer(2)], LivenessRules.Successors(ring, Announced.Peer(8), 3));
        Assert.All(ring, peer => Assert.Equal(3, watchers[peer]));
        Assert.Equal([Announced.Peer(1)], LivenessRules.Successors([.. ring.Take(2)], Announced.Peer(2), 3));
        Assert.Equal([Announced.Peer(5), Announced.Peer(7)], LivenessRules.Successors([Announced.Peer(5), Announced.Peer(7)], Announced.Peer(4), 3));
        Assert.Empty(LivenessRules.Successors([], Announced.Peer(4), 3));
    }

    [Fact]
    public void AnyStory_SeenAndHidden_AreNeverMixed()
    {
        for (ulong seed = 0; seed < 300; seed++)
        {
            var random = new SeededRandomSource(seed);
            var view = new DirectoryView(Announced.Model);
            TimeSpan now = default;
            for (int step = 0; step < 60; step++)
            {
                int number = (int)(random.NextUInt64() % 5);
                int act = (int)(random.NextUInt64() % 6);
                ulong sequence = random.NextUInt64() % 20;
                now += TimeSpan.FromMilliseconds(700);
                PeerId peer = Announced.Peer(number);
                bool seen = view.Snapshot(now).Find(peer) is not null;
                switch (act)
                {
                    case 0 or 1:
                        view.Merge(Announced.Node(number, sequence, act == 0 ? NodeState.Serving : NodeState.Leaving), TimeSpan.Zero, Life, now);
                        break;
                    case 2:
                        view.ReportFailure(peer, FaultKind.PeerLost, now);
                        seen = false;
                        break;
                    default:
                        DirectoryChange change = view.OnProbe(peer, (ProbeOutcome)(act - 3), null, now);
                        seen = act == 3 ? view.Find(peer) is not null : seen && change != DirectoryChange.Removed;
                        break;
                }

                NodeEntry? entry = view.Snapshot(now).Find(peer);
                Assert.False(entry is not null && view.IsHidden(peer), $"seed {seed}, step {step}: seen and hidden");
                // Only an announcement of somebody who is not hidden, or a probe's answer, makes anybody appear.
                Assert.True(entry is null || seen || (act <= 1 && !view.IsHidden(peer)), $"seed {seed}, step {step}: appeared from nowhere");
                Assert.True(act > 1 || view.Find(peer)!.Sequence >= sequence, $"seed {seed}, step {step}: an older announcement won");
            }
        }
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private DirectoryChange Put(int number, ulong sequence = 1, double at = 0, NodeState state = NodeState.Serving) =>
        _view.Merge(Announced.Node(number, sequence, state), TimeSpan.Zero, Life, Seconds(at));

    private DirectoryChange Probe(int number, ProbeOutcome outcome, double at) => _view.OnProbe(Announced.Peer(number), outcome, TimeSpan.FromMilliseconds(1), Seconds(at));

    private IEnumerable<int> Seen(double at) => _view.Snapshot(Seconds(at)).Nodes.Select(node => node.Addresses[0].Port - 1000);
}
