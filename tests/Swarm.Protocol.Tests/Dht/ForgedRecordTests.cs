using Google.Protobuf;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Tests.Dht.Simulation;

namespace Swarm.Protocol.Tests.Dht;

/// <summary>Each forgery is refused by its name, by the holder that is asked to keep it and by <see cref="SignedRecords.Verify"/>.</summary>
public sealed class ForgedRecordTests : IDisposable
{
    private readonly SimulatedSwarm _swarm = new(3);
    private readonly SimulatedPeer _holder;
    private readonly PeerKey _signer = PeerKey.Create();
    private readonly DhtKey _key;

    public ForgedRecordTests()
    {
        _holder = _swarm.Add();
        _key = DhtKey.Of(_swarm.Swarm, "test", [1]);
    }

    public void Dispose()
    {
        _signer.Dispose();
        _swarm.Dispose();
    }

    [Fact]
    public void Store_SoundRecord_IsHeld() => Assert.Null(Store(Signed(_ => { })));

    [Fact]
    public void Store_EachForgery_IsRefusedByItsName()
    {
        using PeerKey other = PeerKey.Create();
        DateTimeOffset now = _swarm.World.GetUtcNow();
        (RecordRefusal Name, SignedRecord Record)[] forgeries =
        [
            (RecordRefusal.BadSignature, Altered(record => record.Signature = Flip(record.Signature))),
            (RecordRefusal.BadSignature, Altered(record => record.Body = new RecordBody(Body()) { Sequence = 99 }.ToByteString())),
            (RecordRefusal.BadSignature, Signed(body => body.Signer = other.Id.ToByteString(), publicKeyOf: other)),
            (RecordRefusal.NotTheSigners, Signed(body => body.Payload = ByteString.CopyFrom(TestPolicy.Payload(other.Id, "for another")))),
            (RecordRefusal.PeerIdMismatch, Signed(body => body.Signer = other.Id.ToByteString())),
            (RecordRefusal.LifetimeTooLong, Signed(body => body.LifetimeMilliseconds = 300_001)),
            (RecordRefusal.LifetimeTooLong, Signed(body => body.LifetimeMilliseconds = 0)),
            (RecordRefusal.TimeTooFarOff, Signed(body => body.SignedUnixMilliseconds = now.AddMinutes(-10).AddMilliseconds(-1).ToUnixTimeMilliseconds())),
            (RecordRefusal.TimeTooFarOff, Signed(body => body.SignedUnixMilliseconds = now.AddMinutes(10).AddMilliseconds(1).ToUnixTimeMilliseconds())),
            (RecordRefusal.TimeTooFarOff, Signed(body => body.SignedUnixMilliseconds = long.MaxValue)),
            (RecordRefusal.TooLong, Signed(body => body.Payload = ByteString.CopyFrom(new byte[DhtLimits.MaxPayloadBytes + 1]))),
            (RecordRefusal.TooLong, Signed(body => body.Payload = ByteString.CopyFrom(new byte[DhtLimits.MaxRecordBytes]))),
            (RecordRefusal.WrongSchema, Signed(body => body.Schema = TestPolicy.Schema + 1)),
            (RecordRefusal.BlocksOutsideModel, Signed(body => body.Payload = ByteString.CopyFrom(TestPolicy.Payload(_signer.Id, "", 0, TestPolicy.ModelBlocks + 1)))),
            (RecordRefusal.WrongSwarm, Signed(body => body.Swarm = ByteString.CopyFrom(new byte[SwarmId.Length]))),
            (RecordRefusal.InvalidPayload, Signed(body => body.Payload = ByteString.Empty)),
            (RecordRefusal.Malformed, Signed(body => body.Key = ByteString.CopyFrom(new byte[31]))),
            (RecordRefusal.Malformed, Altered(record => record.Body = ByteString.CopyFrom(255, 255, 255))),
            (RecordRefusal.Malformed, Altered(record => record.PublicKey = ByteString.Empty)),
            (RecordRefusal.Malformed, new SignedRecord()),
        ];

        foreach ((RecordRefusal name, SignedRecord record) in forgeries)
        {
            Assert.Equal(name, Store(record));
            Assert.Equal(name, SignedRecords.Verify(record, _swarm.Swarm, now, new TestPolicy(), out DhtRecord? read));
            Assert.Null(read);
        }

        Assert.Equal(0, _holder.Node.HeldRecords);
    }

    [Fact]
    public void Store_OlderOrEqualSequence_IsNotNewer()
    {
        Assert.Null(Store(Signed(body => body.Sequence = 5)));
        Assert.Equal(RecordRefusal.NotNewer, Store(Signed(body => body.Sequence = 5)));
        Assert.Equal(RecordRefusal.NotNewer, Store(Signed(body => (body.Sequence, body.Payload) = (5, ByteString.CopyFrom(TestPolicy.Payload(_signer.Id, "other"))))));
        Assert.Equal(RecordRefusal.NotNewer, Store(Signed(body => body.Sequence = 4)));
        Assert.Null(Store(Signed(body => body.Sequence = 6)));
        Assert.Equal(1, _holder.Node.HeldRecords);
    }

    [Fact]
    public void Store_AgeOverLifetime_IsExpired() =>
        Assert.Equal(RecordRefusal.Expired, Store(Signed(body => body.LifetimeMilliseconds = 60_000), ageMilliseconds: 60_000));

    [Fact]
    public void Store_EndedRecordAgain_IsNotNewer()
    {
        SignedRecord record = Signed(body => body.LifetimeMilliseconds = 60_000);
        Assert.Null(Store(record));
        _swarm.World.Run(async () =>
        {
            await Task.Delay(TimeSpan.FromMinutes(2), _swarm.World);
            return 0;
        });
        _holder.Node.Keeper.Expire();

        Assert.Equal(0, _holder.Node.HeldRecords);
        Assert.Equal(RecordRefusal.NotNewer, Store(record));
    }

    [Fact]
    public void Store_SameRecordSeenThrice_ChecksItsSignatureOnce()
    {
        SignedRecord record = Signed(_ => { });
        Assert.Null(Store(record));
        Assert.Null(_holder.Node.Keeper.Check(record, out _));
        Assert.Null(_holder.Node.Keeper.Check(record, out _));

        Assert.Equal(1, _holder.Node.Keeper.SignatureChecks);
    }

    [Fact]
    public void Create_OverTheLimits_NamesThem()
    {
        DateTimeOffset now = _swarm.World.GetUtcNow();
        Assert.Contains("lifetime", Assert.Throws<ArgumentOutOfRangeException>(
            () => SignedRecords.Create(_signer, _key, _swarm.Swarm, 1, 1, DhtLimits.MaxLifetime + TimeSpan.FromMilliseconds(1), now, [])).Message, StringComparison.Ordinal);
        Assert.Contains("payload", Assert.Throws<ArgumentOutOfRangeException>(
            () => SignedRecords.Create(_signer, _key, _swarm.Swarm, 1, 1, DhtLimits.MaxLifetime, now, new byte[DhtLimits.MaxPayloadBytes + 1])).Message, StringComparison.Ordinal);
    }

    private RecordRefusal? Store(SignedRecord record, uint ageMilliseconds = 0)
    {
        var request = new StoreRequest { WireVersion = WireVersion.Current };
        request.Records.Add(new HeldRecord { Record = record, AgeMilliseconds = ageMilliseconds });
        RecordRefusal refusal = Assert.Single(_holder.Node.Service.Store(_signer.Id, request).Refusals);
        return refusal == RecordRefusal.Unspecified ? null : refusal;
    }

    private RecordBody Body() => new()
    {
        Schema = TestPolicy.Schema,
        Swarm = _swarm.Swarm.ToByteString(),
        Key = _key.ToByteString(),
        Signer = _signer.Id.ToByteString(),
        Sequence = 1,
        LifetimeMilliseconds = 60_000,
        SignedUnixMilliseconds = _swarm.World.GetUtcNow().ToUnixTimeMilliseconds(),
        Payload = ByteString.CopyFrom(TestPolicy.Payload(_signer.Id, "hello")),
    };

    private SignedRecord Signed(Action<RecordBody> change, PeerKey? publicKeyOf = null)
    {
        RecordBody body = Body();
        change(body);
        SignedRecord record = SignedRecords.Sign(_signer, body);
        if (publicKeyOf is not null)
            record.PublicKey = ByteString.CopyFrom(publicKeyOf.PublicKey.Span);
        return record;
    }

    private SignedRecord Altered(Action<SignedRecord> change)
    {
        SignedRecord record = Signed(_ => { });
        change(record);
        return record;
    }

    private static ByteString Flip(ByteString bytes)
    {
        byte[] flipped = bytes.ToByteArray();
        flipped[10] ^= 1;
        return ByteString.CopyFrom(flipped);
    }
}
