using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Tests.Dht.Simulation;
using Swarm.Testing.Fuzzing;
using Xunit.Abstractions;

namespace Swarm.Protocol.Tests.Fuzzing;

/// <summary>What a member may send to the DHT, as a question and as an answer.</summary>
public sealed class DhtFuzzTests : IDisposable
{
    private readonly ITestOutputHelper _output;
    private readonly SimulatedSwarm _swarm = new(12) { TrustSignatures = true, Options = new DhtOptions { LookUpBurst = int.MaxValue, StoreBurst = int.MaxValue } };
    private readonly SimulatedPeer _peer;
    private readonly SimulatedPeer _caller;
    private readonly DhtKey _key;

    public DhtFuzzTests(ITestOutputHelper output)
    {
        _output = output;
        _peer = _swarm.Add();
        _caller = _swarm.Add();
        _key = DhtKey.Of(_swarm.Swarm, "test", []);
    }

    public void Dispose() => _swarm.Dispose();

    [Fact]
    public void Ping_BrokenBytes_IsAnsweredOrRefused() => Run(
        "dht ping", [new PingRequest { WireVersion = WireVersion.Current, Addresses = { "127.0.0.1:31330", "[::1]:5" } }], bytes => _peer.Node.Service.Ping(_caller.Id, PingRequest.Parser.ParseFrom(bytes)));

    [Fact]
    public void FindNode_BrokenBytes_IsAnsweredOrRefused() => Run(
        "dht find node", [new FindNodeRequest { WireVersion = WireVersion.Current, Target = _key.ToByteString(), Addresses = { "127.0.0.1:31330" } }],
        bytes => _peer.Node.Service.FindNode(_caller.Id, FindNodeRequest.Parser.ParseFrom(bytes)));

    [Fact]
    public void FindRecords_BrokenBytes_IsAnsweredOrRefused() => Run(
        "dht find records",
        [
            new FindRecordsRequest { WireVersion = WireVersion.Current, Key = _key.ToByteString(), Known = ByteString.CopyFrom(new byte[32]) },
            new FindRecordsRequest { WireVersion = WireVersion.Current, Key = _key.ToByteString(), AfterSigner = _caller.Id.ToByteString(), Addresses = { "host:1" } },
        ],
        bytes => _peer.Node.Service.FindRecords(_caller.Id, FindRecordsRequest.Parser.ParseFrom(bytes)));

    [Fact]
    public void Store_BrokenBytes_IsHeldOrRefused() => Run("dht store", [Store(1), Store(3)], bytes => _peer.Node.Service.Store(_caller.Id, StoreRequest.Parser.ParseFrom(bytes)));

    [Fact]
    public void Records_BrokenBytes_AreTakenOrSetAside() => Run(
        "dht records", [Answer()], bytes =>
        {
            FindRecordsResponse answer = FindRecordsResponse.Parser.ParseFrom(bytes);
            var taken = new List<(DhtRecord, TimeSpan)>();
            _peer.Node.ReadRecords(answer, _key, null, taken, out _);
            foreach (DhtContact contact in answer.Contacts)
                Contact.TryRead(contact);
            return answer;
        });

    private StoreRequest Store(int records)
    {
        var request = new StoreRequest { WireVersion = WireVersion.Current, Addresses = { "127.0.0.1:31330" } };
        for (int number = 0; number < records; number++)
            request.Records.Add(new HeldRecord { Record = _swarm.Record(_caller.Key, DhtKey.Of(_swarm.Swarm, "test", [(byte)records, (byte)number])), AgeMilliseconds = 5 });
        return request;
    }

    private FindRecordsResponse Answer() => new()
    {
        WireVersion = WireVersion.Current,
        Records = { new HeldRecord { Record = _swarm.Record(_caller.Key, _key), AgeMilliseconds = 7 } },
        NextAfterSigner = _caller.Id.ToByteString(),
        Contacts = { new DhtContact { Peer = _caller.Id.ToByteString(), Addresses = { "127.0.0.1:31330" } } },
        Total = 2,
    };

    private void Run(string name, IReadOnlyList<IMessage> seeds, Func<byte[], IMessage> handle) => FuzzCheck.Run(
        new FuzzTarget
        {
            Name = name,
            Seeds = [.. seeds.Select(seed => seed.ToByteArray())],
            Mutators = [new ByteMutator { Signature = 2 }, new InPlace()],
            Parse = bytes => handle(bytes).GetType().Name,
            TypedError = exception => exception switch
            {
                InvalidProtocolBufferException => "no message",
                RpcException { StatusCode: StatusCode.InvalidArgument or StatusCode.FailedPrecondition } refusal => refusal.StatusCode.ToString(),
                _ => null,
            },
            PassedHeader = (_, exception) => exception is not InvalidProtocolBufferException and not RpcException { StatusCode: StatusCode.FailedPrecondition },
            MaxAllocatedBytes = 1 << 20,
        },
        _output);

    /// <summary>Changes bytes behind the version where they stand, so that most lengths stay right and what lies behind the syntax is reached.</summary>
    private sealed class InPlace : IFuzzMutator
    {
        public byte[] Mutate(FuzzRandom random, IReadOnlyList<byte[]> seeds)
        {
            byte[] bytes = [.. random.Pick(seeds)];
            for (int changes = 1 + random.Next(2); changes > 0; changes--)
                bytes[4 + random.Next(bytes.Length - 4)] ^= (byte)(1 << random.Next(7));
            return bytes;
        }
    }
}
