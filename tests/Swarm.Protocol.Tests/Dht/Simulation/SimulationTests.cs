using System.Diagnostics;
using Google.Protobuf;
using Swarm.Protocol.Dht;
using Xunit.Abstractions;

namespace Swarm.Protocol.Tests.Dht.Simulation;

/// <summary>The figures of look-ups at scale. Time is virtual; only the seed matters.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    [Fact]
    public void FindAsync_ThousandPeersAFifthDeadOrMute_FindsInFourRounds()
    {
        using var swarm = new SimulatedSwarm(1);
        var watch = Stopwatch.StartNew();

        LookUpStudy study = LookUpStudy.Run(swarm, settled: 0, joining: 1000, keys: 100, lookUps: 2000, struck: 0.2);

        output.WriteLine($"{study}; {watch.Elapsed.TotalSeconds:F1} s, {Environment.CpuUsage.TotalTime.TotalSeconds:F1} s of a processor; {string.Join(", ", swarm.CallsByName)}");
        Assert.True(study.FoundShare >= 0.999, study.ToString());
        Assert.True(study.MedianRounds <= 4, study.ToString());
    }

    [Fact]
    public void FindAsync_TenThousandPeers_Finds()
    {
        using var swarm = new SimulatedSwarm(2);
        var watch = Stopwatch.StartNew();

        LookUpStudy study = LookUpStudy.Run(swarm, settled: 9_800, joining: 200, keys: 20, lookUps: 500, struck: 0.2);

        output.WriteLine($"{study}; {watch.Elapsed.TotalSeconds:F1} s, {Environment.CpuUsage.TotalTime.TotalSeconds:F1} s of a processor; {string.Join(", ", swarm.CallsByName)}");
        Assert.True(study.FoundShare >= 0.999, study.ToString());
        Assert.True(study.MedianRounds <= 5, study.ToString());
    }

    [Fact]
    public void Run_SameSeedTwice_IsTheSameRun()
    {
        LookUpStudy Run()
        {
            using var swarm = new SimulatedSwarm(7);
            return LookUpStudy.Run(swarm, settled: 50, joining: 50, keys: 5, lookUps: 50, struck: 0.2);
        }

        Assert.Equal(Run(), Run());
    }

    [Fact]
    public void FindAsync_ThirdOfPeersAnswersForgeries_FindsTheHonestRecordAlone()
    {
        using var swarm = new SimulatedSwarm(8);
        FindOutcome[] outcomes = swarm.World.Run(async () =>
        {
            await swarm.GrowAsync(60, TimeSpan.FromMilliseconds(20));
            DhtKey key = DhtKey.Of(swarm.Swarm, "test", []);
            SimulatedPeer signer = swarm.Peers[0];
            await signer.Node.StoreAsync(swarm.Record(signer.Key, key, sequence: 1, "honest"), CancellationToken.None);
            for (int number = 1; number < 60; number += 3)
            {
                SignedRecord forged = swarm.Record(swarm.Peers[number].Key, key, sequence: 9, "forged");
                forged.PublicKey = ByteString.CopyFrom(signer.Key.PublicKey.Span);
                swarm.Peers[number].Lie = _ => new FindRecordsResponse { WireVersion = WireVersion.Current, Total = 1, Records = { new HeldRecord { Record = forged } } };
            }

            return await Task.WhenAll(swarm.Peers.Where(peer => peer.Lie is null).Select(peer => peer.Node.FindAsync(key, CancellationToken.None)));
        });

        Assert.All(outcomes, outcome => Assert.Equal("honest", TestPolicy.TextOf(Assert.Single(outcome.Records).Record)));
    }

    [Fact]
    public void JoinAsync_NewcomerNearAKey_IsHandedItsRecords()
    {
        using var swarm = new SimulatedSwarm(9);
        int held = swarm.World.Run(async () =>
        {
            await swarm.GrowAsync(60, TimeSpan.FromMilliseconds(20));
            DhtKey key = DhtKey.Of(swarm.Swarm, "test", []);
            await swarm.Peers[5].Node.StoreAsync(swarm.Record(swarm.Peers[5].Key, key), CancellationToken.None);
            DhtKey third = key.DistanceTo(swarm.Peers.OrderBy(peer => key.DistanceTo(peer.Id)).ElementAt(2).Id);
            PeerKey near;
            do
                near = swarm.NextKey();
            while (key.DistanceTo(near.Id).CompareTo(third) > 0);
            SimulatedPeer newcomer = swarm.Add(near);
            await newcomer.Node.JoinAsync([swarm.Peers[0].Address], CancellationToken.None);
            await Task.Delay(TimeSpan.FromSeconds(5), swarm.World);
            return newcomer.Node.HeldRecords;
        });

        Assert.Equal(1, held);
    }

    [Fact]
    public void RunAsync_AllHoldersDie_OwnerBringsItsRecordToOthers()
    {
        using var swarm = new SimulatedSwarm(10);
        (FindOutcome before, FindOutcome after) = swarm.World.Run(async () =>
        {
            await swarm.GrowAsync(80, TimeSpan.FromMilliseconds(20));
            DhtKey key = DhtKey.Of(swarm.Swarm, "test", []);
            SimulatedPeer[] byDistance = [.. swarm.Peers.OrderBy(peer => key.DistanceTo(peer.Id))];
            SimulatedPeer owner = byDistance[^1], reader = byDistance[^2];
            StoreOutcome stored = await owner.Node.StoreAsync(swarm.Record(owner.Key, key), CancellationToken.None);
            foreach (SimulatedPeer peer in swarm.Peers.Where(peer => stored.Holders.Contains(peer.Id)))
                peer.Fate = SimulatedFate.Dead;
            FindOutcome gone = await reader.Node.FindAsync(key, CancellationToken.None);
            await Task.Delay(TimeSpan.FromSeconds(120), swarm.World);
            return (gone, await reader.Node.FindAsync(key, CancellationToken.None));
        });

        Assert.Empty(before.Records);
        Assert.InRange(Assert.Single(after.Records).Age, TimeSpan.FromSeconds(115), TimeSpan.FromSeconds(130));
    }

    [Fact]
    public void FindAsync_KeyOfFourThousandSigners_BringsThemAllInPages()
    {
        using var swarm = new SimulatedSwarm(11) { TrustSignatures = true };
        FindOutcome outcome = swarm.World.Run(async () =>
        {
            await swarm.GrowAsync(6, TimeSpan.FromMilliseconds(20));
            DhtKey key = DhtKey.Of(swarm.Swarm, "test", []);
            for (int number = 0; number < DhtLimits.MaxSigners; number++)
            {
                SignedRecord record = GarbageTests.Sound(swarm.World, swarm.Swarm, key, number);
                var request = new StoreRequest { WireVersion = WireVersion.Current, Records = { new HeldRecord { Record = record } } };
                foreach (SimulatedPeer peer in swarm.Peers)
                    Assert.Equal(RecordRefusal.Unspecified, peer.Node.Service.Store(GarbageTests.SignerOf(number), request).Refusals[0]);
            }

            SimulatedPeer client = swarm.Add(isClient: true);
            await client.Node.JoinAsync([swarm.Peers[0].Address], CancellationToken.None);
            return await client.Node.FindAsync(key, CancellationToken.None);
        });

        Assert.Equal(DhtLimits.MaxSigners, outcome.Records.Length);
    }
}
