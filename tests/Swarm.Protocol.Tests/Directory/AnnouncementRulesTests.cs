using Google.Protobuf;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Tests.Directory;

/// <summary>What an announcement may say, and when it is worth saying.</summary>
public sealed class AnnouncementRulesTests
{
    [Theory]
    [InlineData("sound", null)]
    [InlineData("peer", "peer")]
    [InlineData("identity", "model_identity")]
    [InlineData("config", "config_hash: 5")]
    [InlineData("grant", "grant: 5")]
    [InlineData("no address", "addresses")]
    [InlineData("many addresses", "addresses: 9")]
    [InlineData("bad address", "nowhere")]
    [InlineData("state", "state: 0")]
    [InlineData("blocks", "blocks: 4:4")]
    [InlineData("blocks outside", "blocks: 0:9")]
    [InlineData("target outside", "target_blocks: 0:9")]
    [InlineData("many blocks", "model_blocks")]
    [InlineData("name", "model_name: 201")]
    [InlineData("version", "version: 65")]
    [InlineData("speed", "block_seconds")]
    [InlineData("negative speed", "block_seconds: -1")]
    [InlineData("queue", "queue_seconds")]
    [InlineData("capacity", "capacity_blocks")]
    [InlineData("links", "links: 17")]
    [InlineData("link peer", "links: peer of 1 bytes")]
    [InlineData("link time", "links: round trip")]
    public void Check_EachField_IsNamed(string what, string? says)
    {
        NodeAnnouncement announcement = AnnouncementRules.Write(Announced.Node(1));
        ByteString peer = announcement.Peer;
        switch (what)
        {
            case "peer":
                announcement.Peer = ByteString.CopyFrom(1);
                break;
            case "identity":
                announcement.ModelIdentity = ByteString.Empty;
                break;
            case "config":
                announcement.ConfigHash = ByteString.CopyFrom(new byte[5]);
                break;
            case "grant":
                announcement.Grant = ByteString.CopyFrom(new byte[5]);
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
            case "state":
                announcement.State = AnnouncedState.Unspecified;
                break;
            case "blocks":
                announcement.FirstBlock = 4;
                break;
            case "blocks outside":
                announcement.EndBlock = 9;
                break;
            case "target outside":
                announcement.TargetEndBlock = 9;
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
                announcement.BlockSeconds = double.NaN;
                break;
            case "negative speed":
                announcement.BlockSeconds = -1;
                break;
            case "queue":
                announcement.QueueSeconds = double.PositiveInfinity;
                break;
            case "capacity":
                announcement.CapacityBlocks = 5000;
                break;
            case "links":
                announcement.Links.Add(Enumerable.Repeat(new MeasuredLink { Peer = peer }, 17));
                break;
            case "link peer":
                announcement.Links.Add(new MeasuredLink { Peer = ByteString.CopyFrom(1) });
                break;
            case "link time":
                announcement.Links.Add(new MeasuredLink { Peer = peer, RoundTripMicros = 60_000_001 });
                break;
        }

        string? defect = AnnouncementRules.Check(announcement);

        if (says is null)
            Assert.Null(defect);
        else
            Assert.Contains(says, defect);
    }

    [Fact]
    public void Read_WhatWriteWrote_IsTheSameEntry()
    {
        NodeEntry entry = Announced.Node(1, sequence: 77) with
        {
            Target = new BlockRange(2, 6),
            TargetConfirmed = true,
            QueueTime = TimeSpan.FromMilliseconds(3),
            CapacityBlocks = 5,
            Sessions = 2,
            Version = "1.2",
            Links = [new LinkMeasurement(Announced.Peer(9), TimeSpan.FromMicroseconds(1500))],
        };

        NodeAnnouncement wire = AnnouncementRules.Write(entry);
        NodeEntry read = AnnouncementRules.Read(NodeAnnouncement.Parser.ParseFrom(wire.ToByteArray()));

        Assert.Equal(wire, AnnouncementRules.Write(read));
        Assert.Equal(entry.Links.AsEnumerable(), read.Links.AsEnumerable());
        Assert.Equal(entry with { Addresses = read.Addresses, Links = read.Links }, read);
    }

    [Fact]
    public void IsWorthTelling_StateAtOnceFiguresWhenTheyHaveMoved()
    {
        NodeEntry told = Announced.Node(1);

        Assert.False(AnnouncementRules.IsWorthTelling(told, told with { Sequence = 9 }));
        Assert.True(AnnouncementRules.IsWorthTelling(told, told with { State = NodeState.Leaving }));
        Assert.True(AnnouncementRules.IsWorthTelling(told, told with { Blocks = new BlockRange(0, 3) }));
        Assert.True(AnnouncementRules.IsWorthTelling(told, told with { Target = new BlockRange(0, 3) }));
        Assert.True(AnnouncementRules.IsWorthTelling(told, told with { Sessions = 1 }));
        Assert.False(AnnouncementRules.IsWorthTelling(told, told with { CacheTokensFree = 81 }));
        Assert.True(AnnouncementRules.IsWorthTelling(told, told with { CacheTokensFree = 79 }));
        Assert.False(AnnouncementRules.IsWorthTelling(told, told with { BlockTime = TimeSpan.FromMilliseconds(11) }));
        Assert.True(AnnouncementRules.IsWorthTelling(told, told with { BlockTime = TimeSpan.FromMilliseconds(14) }));
        Assert.False(AnnouncementRules.IsWorthTelling(told, told with { QueueTime = TimeSpan.FromMilliseconds(15) }));
        Assert.True(AnnouncementRules.IsWorthTelling(told, told with { QueueTime = TimeSpan.FromMilliseconds(30) }));
    }
}
