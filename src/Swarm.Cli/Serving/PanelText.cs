using System.Collections.Immutable;
using System.Text;
using Spectre.Console;
using Swarm.Cli.Framework;
using Swarm.Client.Observing;
using Swarm.Models;

namespace Swarm.Cli.Serving;

/// <summary>The panel of a serving node as lines: what it does, what the swarm lacks, what happened last. A plain function; colours are markup.</summary>
internal static class PanelText
{
    private const int LeastWidth = 40;

    /// <summary>The lines, as markup; none is longer than the width (40 at least).</summary>
    public static IReadOnlyList<string> Lines(PanelState state, int width)
    {
        width = Math.Max(width, LeastWidth);
        List<string> lines = [];
        void Add(string text, string? style = null) => lines.Add(style is null ? Markup.Escape(Cut(text, width)) : $"[{style}]{Markup.Escape(Cut(text, width))}[/]");

        Add($"{state.Fingerprint}  {state.State}  {state.Address}", state.State == "serving" ? "bold green" : "bold yellow");
        Add(FormattableString.Invariant($"{state.Model}  blocks {state.Blocks} of {state.ModelBlocks}  {Sizes.Bytes(state.WeightBytes)} of weights"));
        Add(FormattableString.Invariant(
            $"{Counted(state.Sessions, "session")}  {state.TokensPerSecond:F1} tokens/s  room for {state.CacheTokensFree} tokens  {Counted(state.Peers.Length, "peer")}"));

        // What this node and the peers that it knows serve together: a hint of what 'swarm status' tells in full.
        IEnumerable<BlockSpan> spans = state.State == "serving" ? state.Peers.Append(state.Blocks) : state.Peers;
        ImmutableArray<int> replicas = StatusRules.Replicas(spans, state.ModelBlocks);
        ImmutableArray<BlockSpan> holes = StatusRules.Stretches(replicas.Length, block => replicas[block] == 0);
        ImmutableArray<BlockSpan> single = StatusRules.Stretches(replicas.Length, block => replicas[block] == 1);
        if (!holes.IsEmpty)
            Add($"! blocks {string.Join(", ", holes)}: nobody serves them", "red");
        if (!single.IsEmpty)
            Add($"! blocks {string.Join(", ", single)}: one replica", "yellow");
        foreach (string line in state.Events)
            Add("  " + line, "dim");
        return lines;
    }

    private static string Counted(int count, string what) => count == 1 ? $"1 {what}" : FormattableString.Invariant($"{count} {what}s");

    private static string Cut(string text, int width)
    {
        StringBuilder clean = new(text.Length);
        foreach (char c in text)
            clean.Append(char.IsControl(c) ? ' ' : c);
        return clean.Length <= width ? clean.ToString() : string.Concat(clean.ToString(0, width - 1), "…");
    }
}
