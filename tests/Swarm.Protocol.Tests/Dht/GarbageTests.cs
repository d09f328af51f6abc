using System.Security.Cryptography;
using Google.Protobuf;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Tests.Dht.Simulation;
using Xunit.Abstractions;
using VirtualWorld = Swarm.Simulation.VirtualWorld;

namespace Swarm.Protocol.Tests.Dht;

/// <summary>What a flood of records can and cannot do to a holder.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class GarbageTests(ITestOutputHelper output)
{
    private const int Honest = 60;
    private const int Garbage = 100_000;

    /// <summary>A third is noise, a third has broken signatures, a third is sound but for its meaning: keys made up by the thousand by 500 callers.</summary>
    [Fact]
    public void Store_HundredThousandGarbageRecords_EvictNoHonestOneNorGrowMemory()
    {
        var world = new VirtualWorld();
        // Budgets so wide that the store's own limits are what holds.
        DhtOptions options = new() { StoreBurst = 1_000_000, LookUpBurst = 1_000_000, HasSoundSignature = record => record.Wire.Signature[0] != 0 };
        using SimulatedSwarm swarm = new(4);
        SwarmId id = swarm.Swarm;
        using var node = new DhtNode(new PeerId(RandomNumberGenerator.GetBytes(32)), id, new NoCalls(), world, new SeededRandomSource(1), options, new TestPolicy());
        var random = new SeededRandomSource(5);
        DhtKey[] keys = [.. Enumerable.Range(0, 40).Select(number => DhtKey.Of(id, "test", [(byte)number]))];
        for (int number = 0; number < Honest; number++)
            Assert.Equal(RecordRefusal.Unspecified, Store(node, Caller(number), Record(random, world, id, keys[number % keys.Length], PublicKeyOf(number), sound: true)));
        PeerId[] callers = [.. Enumerable.Range(0, 500).Select(number => Caller(1000 + number))];
        long before = GC.GetTotalMemory(forceFullCollection: true);

        var outcomes = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (int number = 0; number < Garbage; number++)
        {
            PeerId caller = callers[number % callers.Length];
            SignedRecord record = (number % 3) switch
            {
                0 => Noise(random),
                1 => Record(random, world, id, keys[number % keys.Length], PublicKey(random), sound: false),
                _ => Record(random, world, id, keys[number % keys.Length], number % 6 == 2 ? PublicKeyOf(number) : PublicKey(random), sound: true),
            };
            string outcome = Store(node, number % 6 == 2 ? PeerId.OfPublicKey(PublicKeyOf(number)) : caller, record).ToString();
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }

        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine($"{grown / 1024} KiB more for {node.HeldRecords} records held; {string.Join(", ", outcomes)}");
        PeerId[] held = [.. keys.SelectMany(node.Keeper.Read).Select(copy => copy.Record.Signer)];
        for (int number = 0; number < Honest; number++)
            Assert.Contains(Caller(number), held);
        Assert.True(outcomes.ContainsKey(nameof(RecordRefusal.StoreFull)), string.Join(", ", outcomes));
        Assert.True(grown < 10_000_000, $"{grown} bytes more, expected less than 10 MB");
    }

    /// <summary>A record whose signer is a number, for where signatures are not checked.</summary>
    internal static SignedRecord Sound(VirtualWorld world, SwarmId swarm, DhtKey key, int number) =>
        Record(new SeededRandomSource((ulong)number), world, swarm, key, PublicKeyOf(number), sound: true);

    internal static PeerId SignerOf(int number) => Caller(number);

    private static RecordRefusal Store(DhtNode node, PeerId caller, SignedRecord record)
    {
        var request = new StoreRequest { WireVersion = WireVersion.Current };
        request.Records.Add(new HeldRecord { Record = record });
        return node.Service.Store(caller, request).Refusals[0];
    }

    private static SignedRecord Noise(SeededRandomSource random)
    {
        byte[] bytes = new byte[300];
        random.Fill(bytes);
        return new SignedRecord { Body = ByteString.CopyFrom(bytes, 0, 145), PublicKey = ByteString.CopyFrom(bytes, 145, 91), Signature = ByteString.CopyFrom(bytes, 236, 64) };
    }

    private static SignedRecord Record(SeededRandomSource random, VirtualWorld world, SwarmId swarm, DhtKey key, byte[] publicKey, bool sound)
    {
        PeerId signer = PeerId.OfPublicKey(publicKey);
        byte[] signature = new byte[64];
        random.Fill(signature);
        signature[0] = (byte)(sound ? 1 : 0);
        byte[] text = new byte[120];
        random.Fill(text);
        var body = new RecordBody
        {
            Schema = TestPolicy.Schema,
            Swarm = swarm.ToByteString(),
            Key = key.ToByteString(),
            Signer = signer.ToByteString(),
            Sequence = 1,
            LifetimeMilliseconds = 300_000,
            SignedUnixMilliseconds = world.GetUtcNow().ToUnixTimeMilliseconds(),
            Payload = ByteString.CopyFrom([.. TestPolicy.Payload(signer, ""), .. text]),
        };
        return new SignedRecord { Body = body.ToByteString(), PublicKey = ByteString.CopyFrom(publicKey), Signature = ByteString.CopyFrom(signature) };
    }

    private static byte[] PublicKey(SeededRandomSource random)
    {
        byte[] key = new byte[91];
        random.Fill(key);
        return key;
    }

    private static byte[] PublicKeyOf(int number)
    {
        byte[] key = new byte[91];
        BitConverter.TryWriteBytes(key, number + 1);
        return key;
    }

    private static PeerId Caller(int number) => PeerId.OfPublicKey(PublicKeyOf(number));

    private sealed class NoCalls : IDhtCalls
    {
        public Task<DhtReply<PingResponse>> PingAsync(Protocol.Transport.PeerEndpoint peer, PingRequest request, CancellationToken cancellationToken) => Lost<PingResponse>();

        public Task<DhtReply<FindNodeResponse>> FindNodeAsync(Protocol.Transport.PeerEndpoint peer, FindNodeRequest request, CancellationToken cancellationToken) => Lost<FindNodeResponse>();

        public Task<DhtReply<FindRecordsResponse>> FindRecordsAsync(Protocol.Transport.PeerEndpoint peer, FindRecordsRequest request, CancellationToken cancellationToken) => Lost<FindRecordsResponse>();

        public Task<DhtReply<StoreResponse>> StoreAsync(Protocol.Transport.PeerEndpoint peer, StoreRequest request, CancellationToken cancellationToken) => Lost<StoreResponse>();

        private static Task<DhtReply<T>> Lost<T>()
            where T : class => Task.FromResult(new DhtReply<T>(null, new SwarmException(FaultKind.PeerUnreachable, "nobody")));
    }
}
