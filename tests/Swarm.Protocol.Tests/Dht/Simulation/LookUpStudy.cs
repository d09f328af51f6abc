using System.Globalization;
using Swarm.Protocol.Dht;

namespace Swarm.Protocol.Tests.Dht.Simulation;

/// <summary>A swarm grows, stores records, loses peers, and is asked for the records: what came of it.</summary>
internal sealed record LookUpStudy(int LookUps, int Found, int Complete, int MedianRounds, int WorstRounds, double MeanAsked, TimeSpan MedianTime, long Calls, long Events)
{
    private const int SignersPerKey = 3;

    public double FoundShare => (double)Found / LookUps;

    public static LookUpStudy Run(SimulatedSwarm swarm, int settled, int joining, int keys, int lookUps, double struck) => swarm.World.Run(async () =>
    {
        swarm.Settle(settled);
        await swarm.GrowAsync(joining, TimeSpan.FromMilliseconds(20));
        var stored = new List<(DhtKey Key, List<SimulatedPeer> Signers)>();
        for (int number = 0; number < keys; number++)
        {
            DhtKey key = DhtKey.Of(swarm.Swarm, "study", [(byte)number, (byte)(number >> 8)]);
            List<SimulatedPeer> signers = [];
            while (signers.Count < SignersPerKey)
            {
                SimulatedPeer signer = swarm.PickAlive();
                if (!signers.Contains(signer))
                    signers.Add(signer);
            }

            await Task.WhenAll(signers.Select(signer => signer.Node.StoreAsync(swarm.Record(signer.Key, key), CancellationToken.None)));
            stored.Add((key, signers));
        }

        swarm.Strike(struck, number => number % 2 == 0 ? SimulatedFate.Dead : SimulatedFate.Mute);
        var rounds = new List<int>();
        var times = new List<TimeSpan>();
        int found = 0, complete = 0;
        long asked = 0;
        async Task LookUpAsync()
        {
            (DhtKey key, List<SimulatedPeer> signers) = swarm.Pick(stored);
            TimeSpan begun = swarm.World.Elapsed;
            FindOutcome outcome = await swarm.PickAlive().Node.FindAsync(key, CancellationToken.None);
            times.Add(swarm.World.Elapsed - begun);
            rounds.Add(outcome.RoundTrips);
            asked += outcome.PeersAsked;
            found += outcome.Records.Length > 0 ? 1 : 0;
            complete += outcome.Records.Select(record => record.Record.Signer).ToHashSet().SetEquals(signers.Select(signer => signer.Id)) ? 1 : 0;
        }

        // In groups that are on their way together, as in life.
        for (int done = 0; done < lookUps; done += 50)
            await Task.WhenAll(Enumerable.Range(0, Math.Min(50, lookUps - done)).Select(_ => LookUpAsync()));
        rounds.Sort();
        times.Sort();
        return new LookUpStudy(lookUps, found, complete, rounds[rounds.Count / 2], rounds[^1], (double)asked / lookUps, times[times.Count / 2], swarm.Calls, swarm.World.Events);
    });

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{LookUps} look-ups: {FoundShare:P2} found, {(double)Complete / LookUps:P2} complete; rounds median {MedianRounds}, worst {WorstRounds}; {MeanAsked:F1} peers asked; median {MedianTime.TotalMilliseconds:F0} ms; {Calls} calls, {Events} events");
}
