using Google.Protobuf;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Tests.Directory;

/// <summary>What the directory's topics refuse, each by its name.</summary>
public sealed class DirectoryRecordPolicyTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly SwarmId Swarm = new(Enumerable.Repeat((byte)3, 32).ToArray());

    private readonly PeerKey _key = PeerKey.Create();
    private readonly DirectoryRecordPolicy _policy = new(Swarm);

    public void Dispose() => _key.Dispose();

    [Theory]
    [InlineData("sound", RecordRefusal.Unspecified)]
    [InlineData("joining", RecordRefusal.Unspecified)]
    [InlineData("another's", RecordRefusal.NotTheSigners)]
    [InlineData("schema", RecordRefusal.WrongSchema)]
    [InlineData("region", RecordRefusal.WrongKey)]
    [InlineData("model", RecordRefusal.WrongKey)]
    [InlineData("blocks outside", RecordRefusal.BlocksOutsideModel)]
    [InlineData("another size", RecordRefusal.BlocksOutsideModel)]
    [InlineData("sequence", RecordRefusal.InvalidPayload)]
    [InlineData("address", RecordRefusal.InvalidPayload)]
    [InlineData("garbage", RecordRefusal.InvalidPayload)]
    [InlineData("empty", RecordRefusal.InvalidPayload)]
    public void Check_AnAnnouncement_IsRefusedByName(string what, RecordRefusal expected)
    {
        _policy.Know(Announced.Model, 40);
        NodeAnnouncement node = AnnouncementRules.Write(Announced.Node(1, sequence: 5) with { Peer = _key.Id, ModelBlocks = 40, Blocks = new BlockRange(30, 34) });
        int region = 1;
        uint schema = DirectoryRecordPolicy.Schema;
        ByteString model = Announced.Model;
        switch (what)
        {
            case "joining":
                (node.State, node.FirstBlock, node.EndBlock, region) = (AnnouncedState.Joining, 0, 0, 0);
                break;
            case "another's":
                node.Peer = Announced.Peer(1).ToByteString();
                break;
            case "schema":
                schema = 2;
                break;
            case "region":
                node.EndBlock = 32;
                break;
            case "model":
                model = ByteString.CopyFrom(new byte[32]);
                break;
            case "blocks outside":
                node.EndBlock = 41;
                break;
            case "another size":
                node.ModelBlocks = 41;
                break;
            case "sequence":
                node.Sequence = 6;
                break;
            case "address":
                node.Addresses[0] = "nowhere";
                break;
        }

        byte[] payload = what switch
        {
            "garbage" => [0xff, 0xff, 0xff],
            "empty" => [],
            _ => new DirectoryPayload { Node = node }.ToByteArray(),
        };

        Assert.Equal(expected, Verify(DirectoryKeys.Blocks(Swarm, model, region), schema, payload));
    }

    [Fact]
    public void Check_AModel_LiesUnderItsTopicAlone()
    {
        var model = new ServedModel { ModelIdentity = Announced.Model, Name = "tiny", Blocks = 4, ConfigHash = Announced.Model };
        byte[] sound = new DirectoryPayload { Model = model }.ToByteArray();
        model.Blocks = 0;

        Assert.Equal(RecordRefusal.Unspecified, Verify(DirectoryKeys.Models(Swarm), DirectoryRecordPolicy.Schema, sound));
        Assert.Equal(RecordRefusal.WrongKey, Verify(DirectoryKeys.Revocations(Swarm), DirectoryRecordPolicy.Schema, sound));
        Assert.Equal(RecordRefusal.InvalidPayload, Verify(DirectoryKeys.Models(Swarm), DirectoryRecordPolicy.Schema, new DirectoryPayload { Model = model }.ToByteArray()));
    }

    [Fact]
    public void RegionsOf_BlocksAndTarget_AreAllTouched()
    {
        NodeEntry node = Announced.Node(1) with { ModelBlocks = 200, Blocks = new BlockRange(30, 34), Target = new BlockRange(96, 129) };

        Assert.Equal([0, 1, 3, 4], DirectoryKeys.RegionsOf(node));
        Assert.Equal([0], DirectoryKeys.RegionsOf(node with { Blocks = default, Target = default }));
        Assert.Equal(7, DirectoryKeys.RegionCount(200));
        Assert.Equal(1, DirectoryKeys.RegionCount(32));
    }

    [Fact]
    public void Check_Revocations_AreTheRootsNewestAlone()
    {
        using var root = SwarmRoot.Found();
        using var another = SwarmRoot.Found();
        var gate = new MembershipGate(root.Swarm, isPublic: false, TimeProvider.System);
        var policy = new DirectoryRecordPolicy(root.Swarm, gate);
        Revocation[] entries = [.. Enumerable.Range(0, MembershipLimits.MaxRevocations).Select(index => new Revocation(
            root.Issue([]).Id, [.. Enumerable.Range(0, MembershipLimits.MaxStaying / MembershipLimits.MaxRevocations).Select(peer => Announced.Peer(peer + 1))]))];
        RevocationList first = root.SignRevocations(1, []);
        RevocationList longest = root.SignRevocations(2, entries);
        SignedRevocations forged = SignedRevocations.Parser.ParseFrom(longest.ToBytes());
        forged.Signature = ByteString.CopyFrom(new byte[64]);

        Assert.Equal(RecordRefusal.Unspecified, Check(first.ToBytes()));
        Assert.Equal(RecordRefusal.Unspecified, Check(longest.ToBytes()));
        Assert.Equal(RecordRefusal.InvalidPayload, Check(forged.ToByteArray()));
        Assert.Equal(RecordRefusal.InvalidPayload, Check(another.SignRevocations(3, []).ToBytes()));
        Assert.Equal(RecordRefusal.InvalidPayload, Check([1, 2, 3]));
        Assert.Equal(RecordRefusal.WrongKey, Check(first.ToBytes(), DirectoryKeys.Models(root.Swarm)));
        Assert.Equal(RecordRefusal.TooLong, Check(longest.ToBytes(), DirectoryKeys.Models(root.Swarm)));
        Assert.Equal(RecordRefusal.TooLong, Check(new byte[DhtLimits.MaxLongPayloadBytes]));
        Assert.True(gate.Update(longest));
        Assert.Equal(RecordRefusal.NotNewer, Check(first.ToBytes()));
        Assert.Equal(RecordRefusal.Unspecified, Check(longest.ToBytes()));

        RecordRefusal Check(byte[] list, DhtKey? key = null)
        {
            byte[] payload = new DirectoryPayload { Revocations = ByteString.CopyFrom(list) }.ToByteArray();
            SignedRecord record = SignedRecords.Create(
                _key, key ?? DirectoryKeys.Revocations(root.Swarm), root.Swarm, DirectoryRecordPolicy.Schema, 5, DirectoryLimits.RevocationsLife, Now, payload, maxPayload: 1 << 20);
            return SignedRecords.Verify(record, root.Swarm, Now, policy, out _) ?? RecordRefusal.Unspecified;
        }
    }

    private RecordRefusal Verify(DhtKey key, uint schema, byte[] payload)
    {
        SignedRecord record = SignedRecords.Create(_key, key, Swarm, schema, 5, DirectoryLimits.AnnouncementLife, Now, payload);
        return SignedRecords.Verify(record, Swarm, Now, _policy, out _) ?? RecordRefusal.Unspecified;
    }
}
