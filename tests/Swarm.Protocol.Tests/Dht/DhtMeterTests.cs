using System.Diagnostics.Metrics;
using Google.Protobuf;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Tests.Dht.Simulation;

namespace Swarm.Protocol.Tests.Dht;

/// <summary>What look-ups and refused records leave in the DHT's instruments. All runs on the test's thread; other tests of this process, on theirs, measure too.</summary>
public sealed class DhtMeterTests : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly List<double> _rounds = [];
    private readonly List<string?> _refusals = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;

    public DhtMeterTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == DhtMeter.Name)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<double>((instrument, value, _, _) =>
        {
            if (instrument.Name == "swarm.dht.lookup.rounds" && Environment.CurrentManagedThreadId == _thread)
                _rounds.Add(value);
        });
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            if (instrument.Name == "swarm.dht.refusals" && Environment.CurrentManagedThreadId == _thread)
                _refusals.Add($"{value} {tags[0].Key} {tags[0].Value}");
        });
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public void FindAsync_WhileSomebodyListens_TellsItsRounds()
    {
        using var swarm = new SimulatedSwarm(11);
        FindOutcome outcome = swarm.World.Run(async () =>
        {
            await swarm.GrowAsync(20, TimeSpan.FromMilliseconds(20));
            _rounds.Clear();
            return await swarm.Peers[^1].Node.FindAsync(DhtKey.Of(swarm.Swarm, "test", []), CancellationToken.None);
        });

        Assert.InRange(outcome.RoundTrips, 1, 4);
        Assert.Equal([outcome.RoundTrips], _rounds);
    }

    [Fact]
    public void Store_ForgedAndKnownRecords_CountsTheForgedByReason()
    {
        using var swarm = new SimulatedSwarm(12);
        SimulatedPeer holder = swarm.Add();
        SimulatedPeer signer = swarm.Add();
        SignedRecord sound = swarm.Record(signer.Key, DhtKey.Of(swarm.Swarm, "test", []));
        var forged = new SignedRecord(sound) { Signature = ByteString.CopyFrom(new byte[64]) };
        var request = new StoreRequest { WireVersion = WireVersion.Current };
        foreach (SignedRecord record in (SignedRecord[])[forged, sound, sound])
            request.Records.Add(new HeldRecord { Record = record });

        StoreResponse response = holder.Node.Service.Store(signer.Id, request);

        Assert.Equal([RecordRefusal.BadSignature, RecordRefusal.Unspecified, RecordRefusal.NotNewer], response.Refusals);
        Assert.Equal(["1 error.type BadSignature"], _refusals);
    }
}
