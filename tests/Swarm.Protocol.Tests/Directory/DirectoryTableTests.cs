using Google.Protobuf;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Tests.Directory;

/// <summary>What a peer's list of announcements keeps, and for how long.</summary>
public sealed class DirectoryTableTests
{
    private readonly DirectoryTable _table = new();

    [Fact]
    public void Put_NewAndNewer_SaysWhatChanged()
    {
        Assert.Equal(DirectoryChange.Added, _table.Put(Announcement(1, sequence: 1), TimeSpan.Zero, Seconds(0)));
        Assert.Equal(DirectoryChange.None, _table.Put(Announcement(1, sequence: 1), TimeSpan.Zero, Seconds(1)));
        Assert.Equal(DirectoryChange.Updated, _table.Put(Announcement(1, sequence: 2), TimeSpan.Zero, Seconds(2)));
        Assert.Equal(DirectoryChange.None, _table.Put(Announcement(1, sequence: 1), TimeSpan.Zero, Seconds(3)));
        Assert.Equal(2ul, _table.List(Seconds(3)).Single().Announcement.Sequence);
    }

    [Fact]
    public void List_ThirtySecondsAfterReceipt_IsEmpty()
    {
        _table.Put(Announcement(1), TimeSpan.Zero, Seconds(100));

        Assert.Equal(29_000u, _table.List(Seconds(129)).Single().AgeMilliseconds);
        Assert.Empty(_table.List(Seconds(130)));
        Assert.Equal([Peer(1)], _table.Expire(Seconds(130)));
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void Put_HeardFromAnother_CountsItsAge()
    {
        _table.Put(Announcement(1), TimeSpan.FromSeconds(20), Seconds(100));
        Assert.Equal(DirectoryChange.None, _table.Put(Announcement(2), TimeSpan.FromSeconds(30), Seconds(100)));

        Assert.Single(_table.List(Seconds(109)));
        Assert.Empty(_table.List(Seconds(110)));
    }

    [Fact]
    public void Put_SameAnnouncementFresher_LivesLonger()
    {
        _table.Put(Announcement(1), TimeSpan.FromSeconds(20), Seconds(100));

        _table.Put(Announcement(1), TimeSpan.FromSeconds(5), Seconds(100));
        _table.Put(Announcement(1), TimeSpan.FromSeconds(25), Seconds(100));

        Assert.Single(_table.List(Seconds(124)));
    }

    [Fact]
    public void Remove_OlderFarewell_KeepsTheNewerAnnouncement()
    {
        _table.Put(Announcement(1, sequence: 5), TimeSpan.Zero, Seconds(0));

        Assert.False(_table.Remove(Peer(1), 4));
        Assert.True(_table.Remove(Peer(1), 6));
        Assert.False(_table.Remove(Peer(1), 6));
    }

    [Fact]
    public void Put_FullTable_TakesNobodyElse()
    {
        for (int index = 0; index < ChainLimits.MaxAnnouncements; index++)
            _table.Put(Announcement(index), TimeSpan.Zero, Seconds(0));

        Assert.Equal(DirectoryChange.None, _table.Put(Announcement(99_999), TimeSpan.Zero, Seconds(0)));
        Assert.Equal(ChainLimits.MaxAnnouncements, _table.Count);
    }

    [Theory]
    [InlineData("sound", null)]
    [InlineData("peer", "peer")]
    [InlineData("identity", "model_identity")]
    [InlineData("no address", "addresses")]
    [InlineData("many addresses", "addresses: 9")]
    [InlineData("bad address", "nowhere")]
    [InlineData("blocks", "blocks: 4:4")]
    [InlineData("blocks outside", "blocks: 0:5")]
    [InlineData("many blocks", "model_blocks")]
    [InlineData("name", "model_name: 201")]
    [InlineData("version", "version: 65")]
    [InlineData("speed", "tokens_per_second")]
    public void Check_EachField_IsNamed(string what, string? says)
    {
        NodeAnnouncement announcement = Announcement(1);
        switch (what)
        {
            case "peer":
                announcement.Peer = ByteString.CopyFrom(1);
                break;
            case "identity":
                announcement.ModelIdentity = ByteString.Empty;
                break;
            case "no address":
                announcement.Addresses.Clear();
                break;
            case "many addresses":
                announcement.Addresses.Add(Enumerable.Repeat("127.0.0.1:1", 8));
                break;
            case "bad address":
                announcement.Addresses[0] = "nowhere";
                break;
            case "blocks":
                announcement.FirstBlock = 4;
                break;
            case "blocks outside":
                announcement.EndBlock = 5;
                break;
            case "many blocks":
                announcement.ModelBlocks = 5000;
                break;
            case "name":
                announcement.ModelName = new string('x', 201);
                break;
            case "version":
                announcement.Version = new string('x', 65);
                break;
            case "speed":
                announcement.TokensPerSecond = double.NaN;
                break;
        }

        string? defect = AnnouncementRules.Check(announcement);

        if (says is null)
            Assert.Null(defect);
        else
            Assert.Contains(says, defect);
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private static PeerId Peer(int id) => new(PeerBytes(id));

    private static byte[] PeerBytes(int id)
    {
        byte[] bytes = new byte[PeerId.Length];
        BitConverter.TryWriteBytes(bytes, id);
        return bytes;
    }

    private static NodeAnnouncement Announcement(int id, ulong sequence = 1) => new()
    {
        Peer = ByteString.CopyFrom(PeerBytes(id)),
        ModelIdentity = ByteString.CopyFrom(new byte[32]),
        Addresses = { "127.0.0.1:31330" },
        EndBlock = 4,
        State = AnnouncedState.Serving,
        ModelBlocks = 4,
        Sequence = sequence,
    };
}
