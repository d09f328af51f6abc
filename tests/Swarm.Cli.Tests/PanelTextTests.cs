using Google.Protobuf;
using Spectre.Console;
using Swarm.Cli.Serving;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Tests;

public sealed class PanelTextTests
{
    private static readonly PanelState State = new()
    {
        Fingerprint = "3f9a 01bc 7d22 9e10",
        Address = "127.0.0.1:31330",
        Model = "smollm2-135m-instruct",
        ModelBlocks = 30,
        Blocks = new BlockSpan(0, 10),
        State = "serving",
        Sessions = 1,
        TokensPerSecond = 12.345,
        WeightBytes = 22L << 20,
        CacheTokensFree = 4096,
        Peers = [new BlockSpan(5, 20), new BlockSpan(0, 5)],
        Events = ["12:00:01 peer 01020304 joined", "12:00:02 session ab opened, 1 open"],
    };

    [Fact]
    public void Lines_Serving_ShowWorkHolesAndWhatHappened() => Check(
        State, 80,
        """
        3f9a 01bc 7d22 9e10  serving  127.0.0.1:31330
        smollm2-135m-instruct  blocks 0:10 of 30  22.0 MiB of weights
        1 session  12.3 tokens/s  room for 4096 tokens  2 peers
        ! blocks 20:30: nobody serves them
        ! blocks 10:20: one replica
          12:00:01 peer 01020304 joined
          12:00:02 session ab opened, 1 open

        """);

    [Fact]
    public void Lines_Paused_DoNotCountItsBlocks()
    {
        string text = Plain(State with { State = "paused", Peers = [new BlockSpan(0, 30), new BlockSpan(0, 30)], Events = [] }, 80);
        Assert.DoesNotContain("!", text, StringComparison.Ordinal);
        Assert.StartsWith("3f9a 01bc 7d22 9e10  paused", text, StringComparison.Ordinal);
    }

    /// <summary>A peer that moves or stops is seen where it is now.</summary>
    [Fact]
    public void PeersIn_SomeServeSomeDoNot_AreByWhatEachServesNow()
    {
        PeerId[] peers = [.. Enumerable.Range(1, 4).Select(number => new PeerId([.. Enumerable.Repeat((byte)number, 32)]))];
        NodeEntry Node(int index, NodeState state, int first, int end) => new()
        {
            Peer = peers[index],
            Addresses = [new PeerAddress("127.0.0.1", 31330)],
            ModelIdentity = ByteString.Empty,
            ModelBlocks = 30,
            State = state,
            Blocks = new BlockRange(first, end),
        };
        DirectorySnapshot directory = DirectorySnapshot.Of(
            ByteString.Empty, [Node(0, NodeState.Serving, 0, 10), Node(1, NodeState.Serving, 5, 20), Node(2, NodeState.Paused, 20, 30), Node(3, NodeState.Joining, 0, 0)]);
        BlockSpan[] seen = [.. PanelState.PeersIn(directory, peers[0])];
        Assert.Equal([new BlockSpan(5, 20), default, default], seen);
    }

    [Fact]
    public void Lines_Narrow_AreCutAndCarryNoControlCharacters()
    {
        string text = Plain(State with { Model = "a[b]\u001b[2Jc", Events = [new string('x', 100)] }, 10);
        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 40, line));
        Assert.DoesNotContain('\u001b', text);
        Assert.Contains("a[b] [2Jc", text, StringComparison.Ordinal);
    }

    private static void Check(PanelState state, int width, string expected) => Assert.Equal(expected.ReplaceLineEndings("\n"), Plain(state, width));

    private static string Plain(PanelState state, int width) => string.Concat(PanelText.Lines(state, width).Select(line => Markup.Remove(line) + "\n"));
}
