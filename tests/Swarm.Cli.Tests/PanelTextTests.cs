using Spectre.Console;
using Swarm.Cli.Serving;
using Swarm.Models;

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
