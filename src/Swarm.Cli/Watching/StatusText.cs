using System.Globalization;
using System.Text;
using Spectre.Console;
using Swarm.Client.Observing;

namespace Swarm.Cli.Watching;

/// <summary>A swarm's status as lines for people, for any width: alerts first, then the strip of replicas, then the nodes. A plain function; colours are markup.</summary>
internal static class StatusText
{
    private const int LeastWidth = 40;
    private const string StripIndent = "       ";

    /// <summary>Columns in the order in which they are shown; those with a higher rank go first where the width does not suffice.</summary>
    private static readonly Column[] Columns =
    [
        new("peer", 0, false, node => node.Peer.Short),
        new("state", 1, false, node => Word(node.State)),
        new("blocks", 0, false, node => node.Blocks.ToString()),
        new("tok/s", 4, true, node => node.TokensPerSecond > 0 ? Number(node.TokensPerSecond, node.TokensPerSecond < 100 ? 1 : 0) : "-"),
        new("cache", 5, true, node => Tokens(node.CacheTokensFree)),
        new("sessions", 6, true, node => Number(node.Sessions, 0)),
        new("rtt ms", 3, true, node => node.RoundTrip is { } time ? Number(time.TotalMilliseconds, 1) : "-"),
        new("seen s", 7, true, node => Number(Math.Max(0, node.LastSeen.TotalSeconds), 0)),
        new("version", 8, false, node => node.Version),
        new("address", 2, false, node => node.Address),
    ];

    /// <summary>The lines, as markup; none is longer than the width (40 at least).</summary>
    public static IReadOnlyList<string> Lines(SwarmStatus status, int width)
    {
        width = Math.Max(width, LeastWidth);
        List<string> lines = [];
        AddHead(lines, status, width);
        AddAlerts(lines, status, width);
        if (status.Model is not null)
            AddStrip(lines, status, width);
        if (!status.Nodes.IsEmpty)
            AddNodes(lines, status, width);
        return lines;
    }

    /// <summary>The word of a state, as events have it too.</summary>
    public static string Word(ObservedState state) => state switch
    {
        ObservedState.Joining => "joining",
        ObservedState.Serving => "serving",
        ObservedState.Paused => "paused",
        ObservedState.Leaving => "leaving",
        _ => "unreachable",
    };

    private static void AddHead(List<string> lines, SwarmStatus status, int width)
    {
        string nodes = status.Nodes.Length == 1 ? "1 node" : $"{status.Nodes.Length} nodes";
        string swarm = $"swarm {status.Swarm[..Math.Min(8, status.Swarm.Length)]}";
        string head = status.Model is { } model ? $"{swarm}  {model.Name}  {model.Blocks} blocks  {nodes}" : $"{swarm}  no model";
        lines.Add($"[bold]{Markup.Escape(Cut(head, width))}[/]");
        if (status.Models.Length > 1)
        {
            IEnumerable<string> others = status.Models.Where(other => other != status.Model).Select(other => $"{other.Name} ({other.Nodes})");
            lines.Add(Markup.Escape(Cut($"other models: {string.Join(", ", others)}; --model shows one", width)));
        }
    }

    private static void AddAlerts(List<string> lines, SwarmStatus status, int width)
    {
        lines.Add("");
        if (status.Alerts.IsEmpty)
        {
            lines.Add("[green]no alerts[/]");
            return;
        }

        foreach (StatusAlert alert in status.Alerts)
        {
            string color = alert.IsUrgent ? "red" : "yellow";
            bool first = true;
            foreach (string line in Wrap($"{alert.Code}: {alert.Message}", width - 2))
            {
                lines.Add($"[{color}]{(first ? "! " : "  ")}{Markup.Escape(line)}[/]");
                first = false;
            }
        }
    }

    // One character a block: its replicas up to nine, then +. Long models take several lines, each under its own ruler.
    private static void AddStrip(List<string> lines, SwarmStatus status, int width)
    {
        int perLine = Math.Max(10, (width - StripIndent.Length) / 10 * 10);
        for (int start = 0; start < status.Replicas.Length; start += perLine)
        {
            int end = Math.Min(start + perLine, status.Replicas.Length);
            StringBuilder ruler = new();
            for (int block = start; block < end; block += 10)
                ruler.Append(block.ToString(CultureInfo.InvariantCulture).PadRight(10));
            lines.Add("");
            lines.Add($"blocks {ruler.ToString().TrimEnd()}");

            StringBuilder strip = new(StripIndent);
            for (int block = start; block < end;)
            {
                int replicas = status.Replicas[block];
                int next = block;
                while (next < end && status.Replicas[next] == replicas)
                    next++;
                string color = replicas switch { 0 => "red", 1 => "yellow", _ => "green" };
                char digit = replicas < 10 ? (char)('0' + replicas) : '+';
                strip.Append('[').Append(color).Append(']').Append(digit, next - block).Append("[/]");
                block = next;
            }

            lines.Add(strip.ToString());
        }
    }

    private static void AddNodes(List<string> lines, SwarmStatus status, int width)
    {
        string[][] cells = [.. status.Nodes.Select(node => Columns.Select(column => column.Text(node)).ToArray())];
        int[] widths = [.. Columns.Select((column, index) => Math.Max(column.Title.Length, cells.Max(row => row[index].Length)))];
        List<int> shown = [.. Enumerable.Range(0, Columns.Length)];
        while (shown.Count > 1 && shown.Sum(index => widths[index] + 2) - 2 > width)
        {
            int least = shown.MaxBy(index => Columns[index].Rank);
            if (Columns[least].Rank == 0)
                break;
            shown.Remove(least);
        }

        string Row(Func<int, string> text) =>
            Cut(string.Join("  ", shown.Select(index => Columns[index].Right ? text(index).PadLeft(widths[index]) : text(index).PadRight(widths[index]))).TrimEnd(), width);
        lines.Add("");
        lines.Add($"[dim]{Markup.Escape(Row(index => Columns[index].Title))}[/]");
        for (int i = 0; i < cells.Length; i++)
        {
            string row = Markup.Escape(Row(index => cells[i][index]));
            lines.Add(Color(status.Nodes[i].State) is { } color ? $"[{color}]{row}[/]" : row);
        }
    }

    private static string? Color(ObservedState state) => state switch
    {
        ObservedState.Serving => null,
        ObservedState.Unreachable => "red",
        _ => "yellow",
    };

    private static IEnumerable<string> Wrap(string text, int width)
    {
        StringBuilder line = new();
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return Cut(line.ToString(), width);
                line.Clear();
            }

            if (line.Length > 0)
                line.Append(' ');
            line.Append(word);
        }

        yield return Cut(line.ToString(), width);
    }

    private static string Cut(string text, int width) => text.Length <= width ? text : string.Concat(text.AsSpan(0, width - 1), "…");

    private static string Tokens(long tokens) => tokens switch
    {
        < 10_000 => Number(tokens, 0),
        < 10_000_000 => Number(tokens / 1e3, 0) + "k",
        _ => Number(tokens / 1e6, 0) + "M",
    };

    private static string Number(double value, int digits) => value.ToString("F" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private sealed record Column(string Title, int Rank, bool Right, Func<ObservedNode, string> Text);
}
