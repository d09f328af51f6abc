using Spectre.Console;
using Swarm.Cli.Watching;
using Swarm.Client.Observing;
using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Cli.Tests;

/// <summary>What people see of a swarm, at several widths.</summary>
public sealed class StatusTextTests
{
    private static readonly ObservedModel Model = new("smollm2-135m-instruct", new string('a', 64), 30, 4);

    [Fact]
    public void Lines_WideTerminal_ShowEveryColumn() => Check(
        Troubled(), 120,
        """
        swarm 5aa5c33c  smollm2-135m-instruct  30 blocks  4 nodes

        ! UncoveredBlocks: blocks 25:30: nobody serves them; nodes that load now will serve them
        ! UnreachableNode: 04000000 at node.example.org:31330 does not answer: is the program still running there, and does its
          firewall or router let the port in?
        ! SingleReplica: blocks 10:25: one replica, whose loss ends generations; another node that may choose its blocks mends
          it
        ! VersionMix: 2 versions run: 0.1.0 on 3, 0.2.0 on 1; bring the older ones up to date

        blocks 0         10        20
               222222222211111111111111100000

        peer      state        blocks  tok/s  cache  sessions  rtt ms  seen s  version  address
        02000000  serving      0:10     12.5   4096         2     0.8       0  0.1.0    127.0.0.1:31330
        01000000  serving      0:25      250    20k         0    40.3       1  0.2.0    [2001:db8::1]:31330
        04000000  unreachable  10:20       -   4096         0       -      14  0.1.0    node.example.org:31330
        03000000  joining      25:30       -   4096         0     2.0       0  0.1.0    10.0.0.3:31330
        """);

    [Fact]
    public void Lines_EightyColumns_LeaveOutTheLeastColumns() => Check(
        Troubled(), 80,
        """
        swarm 5aa5c33c  smollm2-135m-instruct  30 blocks  4 nodes

        ! UncoveredBlocks: blocks 25:30: nobody serves them; nodes that load now will
          serve them
        ! UnreachableNode: 04000000 at node.example.org:31330 does not answer: is the
          program still running there, and does its firewall or router let the port in?
        ! SingleReplica: blocks 10:25: one replica, whose loss ends generations; another
          node that may choose its blocks mends it
        ! VersionMix: 2 versions run: 0.1.0 on 3, 0.2.0 on 1; bring the older ones up to
          date

        blocks 0         10        20
               222222222211111111111111100000

        peer      state        blocks  tok/s  cache  rtt ms  address
        02000000  serving      0:10     12.5   4096     0.8  127.0.0.1:31330
        01000000  serving      0:25      250    20k    40.3  [2001:db8::1]:31330
        04000000  unreachable  10:20       -   4096       -  node.example.org:31330
        03000000  joining      25:30       -   4096     2.0  10.0.0.3:31330
        """);

    [Fact]
    public void Lines_VeryNarrow_WrapTheStripAndKeepPeerAndBlocks() => Check(
        StatusRules.Assess("5aa5c33c", Model with { Blocks = 42 }, [Model], [Node(1, 0, 42), Node(2, 0, 42)]), 30,
        """
        swarm 5aa5c33c  smollm2-135m-instruct  …

        no alerts

        blocks 0         10        20
               222222222222222222222222222222

        blocks 30        40
               222222222222

        peer      state    blocks
        01000000  serving  0:42
        02000000  serving  0:42
        """);

    [Fact]
    public void Lines_NoNodes_SayWhatToDo() => Check(
        StatusRules.Assess("5aa5c33c", null, [], []), 80,
        """
        swarm 5aa5c33c  no model

        ! NoNodes: no node serves any model: start one with 'swarm serve --join INVITE'
        """);

    [Fact]
    public void Lines_TwoModels_NameTheOther()
    {
        ObservedModel other = new("random:8MiB:q8_0", new string('b', 64), 17, 2);
        SwarmStatus status = StatusRules.Assess("5aa5c33c", Model, [Model, other], [Node(1, 0, 30), Node(2, 0, 30)]);
        Assert.Contains("other models: random:8MiB:q8_0 (2); --model shows one", Plain(status, 100), StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_ManyReplicas_EndInAPlus()
    {
        SwarmStatus status = StatusRules.Assess("5aa5c33c", Model, [Model], Enumerable.Range(1, 12).Select(number => Node(number, 0, number < 10 ? 30 : 3)));
        Assert.Contains("       +++999999999999999999999999999\n", Plain(status, 100), StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_StrangeNames_AreNoMarkup()
    {
        SwarmStatus status = StatusRules.Assess("5aa5c33c", Model with { Name = "[red]x[/]" }, [Model], [Node(1, 0, 30) with { Version = "[[b]" }]);
        Assert.Contains("[red]x[/]", Plain(status, 100), StringComparison.Ordinal);
    }

    private static void Check(SwarmStatus status, int width, string expected) =>
        Assert.Equal(expected.ReplaceLineEndings("\n") + "\n", Plain(status, width));

    private static string Plain(SwarmStatus status, int width) =>
        string.Concat(StatusText.Lines(status, width).Select(line => Markup.Remove(line) + "\n"));

    private static SwarmStatus Troubled() => StatusRules.Assess("5aa5c33c" + new string('0', 56), Model, [Model],
    [
        Node(1, 0, 25) with { Address = "[2001:db8::1]:31330", TokensPerSecond = 249.7, CacheTokensFree = 20_480, RoundTrip = TimeSpan.FromMilliseconds(40.3), LastSeen = TimeSpan.FromSeconds(1.2), Version = "0.2.0" },
        Node(2, 0, 10) with { Sessions = 2 },
        Node(3, 25, 30) with { State = ObservedState.Joining, TokensPerSecond = 0, Address = "10.0.0.3:31330", RoundTrip = TimeSpan.FromMilliseconds(2) },
        Node(4, 10, 20) with { State = ObservedState.Unreachable, TokensPerSecond = 0, Address = "node.example.org:31330", RoundTrip = null, LastSeen = TimeSpan.FromSeconds(14) },
    ]);

    private static ObservedNode Node(int number, int start, int end)
    {
        byte[] id = new byte[PeerId.Length];
        id[0] = (byte)number;
        return new ObservedNode
        {
            Peer = new PeerId(id),
            Address = "127.0.0.1:31330",
            State = ObservedState.Serving,
            Blocks = new BlockSpan(start, end),
            TokensPerSecond = 12.5,
            CacheTokensFree = 4096,
            Version = "0.1.0",
            RoundTrip = TimeSpan.FromMilliseconds(0.8),
            LastSeen = TimeSpan.Zero,
        };
    }
}
