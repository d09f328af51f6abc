using System.Text.Json;
using Spectre.Console;
using Swarm.Cli.Framework;
using Swarm.Cli.Generating;
using Swarm.Cli.Processes;
using Swarm.Client;
using Swarm.Models;
using Swarm.Models.Templates;

namespace Swarm.Cli.Commands;

/// <summary>A swarm on one machine: starts node processes, generates through them, shows who computed what, and leaves nothing behind.</summary>
internal sealed class DemoCommand : CommandDefinition
{
    private const string DefaultPrompt = "Explain in two sentences why the sky is blue.";

    private static readonly Setting<int> Nodes = new("nodes", "N", "node processes (default 3)", Values.Integer(1, 256), 3);

    private static readonly Setting<string> Prompt =
        new("prompt", "TEXT", $"what to ask (default: {DefaultPrompt})", Values.Text, DefaultPrompt, inputOnly: true);

    private static readonly Setting<int> Tokens = new("tokens", "N", "most tokens to generate (default 64)", Values.Integer(1, 1 << 20), 64);

    private static readonly Setting<bool> Kill =
        Setting<bool>.Switch("kill", "kill a node half-way and show that the text goes on unchanged", inputOnly: true);

    public override string Name => "demo";

    public override string Description => "a swarm on this machine: starts nodes, generates through them, shows who did what";

    public override IReadOnlyList<ISetting> Settings => [Nodes, Prompt, Tokens, Kill, CommonSettings.Model, CommonSettings.Weights, CommonSettings.Threads, CommonSettings.Codec];

    public override async Task<int> RunAsync(CommandContext context)
    {
        CancellationToken polite = context.Interrupts.Polite;
        int nodes = context.Get(Nodes);
        GenerationOptions options = new() { MaxTokens = context.Get(Tokens), Codec = ModelOpening.Codec(context) };
        int blocks;
        using (ModelSource source = await context.OpenModelAsync())
            blocks = source.Config.Blocks;
        if (nodes > blocks)
            throw new UsageException($"--nodes: {nodes}, expected at most {blocks}, the model's blocks");

        // A node that shall die needs somebody to take its place: every span is there twice then.
        bool kill = context.Get(Kill);
        BlockSpan[] spans = NodeFleet.Split(blocks, nodes);
        if (kill)
            spans = [.. spans, .. spans];
        await using NodeFleet fleet = await StartAsync(context, spans, polite);
        await using LanguageModel model = await ModelOpening.ConnectAsync(context, fleet.Invite);
        string prompt = context.Get(Prompt);
        int[] ids = ModelOpening.RequireTokenizer(model).Encode(
            model.ChatTemplate is null ? prompt : model.RenderChat([new ChatMessage("user", prompt)]), addSpecial: model.ChatTemplate is null);
        if (!context.IsJson)
        {
            options = options with { RouteOpened = route => DrawChain(context, route) };
            context.Say($"\n> {prompt}\n");
        }

        if (kill)
            return Finish(context, await new KillRun(context, fleet, model).RunAsync(ids, options));
        GenerationResult result = await GenerationRun.StreamAsync(context, model, ids, options);
        if (context.Events is { } events)
            events.Write("done", json => GenerationEvents.WriteResult(json, result));
        else
            DrawResult(context, result);
        return ExitCode.Done;
    }

    private static int Finish(CommandContext context, KillReport report)
    {
        if (!report.IsUnchanged)
        {
            throw new CommandException(
                "TextChanged", $"with {report.Killed?.Peer?.Short} killed after token {report.AtToken} the text is '{report.Result.Text}', expected '{report.Undisturbed.Text}'");
        }

        if (context.Events is { } events)
        {
            events.Write("done", json =>
            {
                GenerationEvents.WriteResult(json, report.Result);
                json.WriteBoolean("textUnchanged", report.IsUnchanged);
                json.WriteNumber("pauseSeconds", report.Pause.TotalSeconds);
            });
        }
        else
        {
            DrawKill(context, report);
        }

        return ExitCode.Done;
    }

    private static void DrawKill(CommandContext context, KillReport report)
    {
        context.Out.WriteLine();
        if (report.Killed is not { } killed)
        {
            context.Out.WriteLine("The text was over before a node could be killed: ask for a longer one.");
            return;
        }

        Grid grid = new();
        grid.AddColumn(new GridColumn().NoWrap());
        grid.AddColumn();
        void Row(string name, FormattableString value) => grid.AddRow(name, Markup.Escape(FormattableString.Invariant(value)));
        Row("killed", $"{killed.Peer?.Short}, blocks {killed.Blocks}, after token {report.AtToken} of {report.Result.Tokens.Count}");
        Row("pause", $"{report.Pause.TotalSeconds:F2} s; otherwise {report.UsualGap.TotalMilliseconds:F0} ms between two tokens");
        Row("took over", $"{string.Join(", ", report.TookOver.Select(hop => $"{hop.Peer?.Short} (blocks {hop.Blocks})"))}");
        if (report.Recovery is { } recovery)
        {
            Row("replayed", $"{recovery.ReplayedTokens} tokens to whoever took over, by the hop before it; the nodes behind computed {recovery.RecomputedDownstreamTokens} again");
        }

        Row("text", $"unchanged: the same {report.Result.Tokens.Count} tokens as before, with every node alive");
        context.OutConsole.Write(grid);
    }

    private static async Task<NodeFleet> StartAsync(CommandContext context, BlockSpan[] spans, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> common = NodeFleet.CommonArguments(context);
        void NodeReady(NodeProcess node, JsonElement json) => context.Events?.Write("nodeReady", fields =>
        {
            fields.WriteNumber("pid", node.Pid);
            fields.WriteString("peer", json.GetProperty("peer").GetString());
            fields.WriteBlocks("blocks", node.Blocks);
            fields.WriteString("address", json.GetProperty("address").GetString());
        });

        if (!context.ShowsProgress)
        {
            return await NodeFleet.StartAsync(
                spans, common, context.Time, (node, name, json) =>
                {
                    if (name == "ready")
                        NodeReady(node, json);
                }, cancellationToken);
        }

        return await context.ErrorConsole.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(async progress =>
            {
                ProgressTask[] bars = [.. spans.Select((span, i) => progress.AddTask($"node {i + 1}, blocks {span}", maxValue: span.Count))];
                return await NodeFleet.StartAsync(
                    spans, common, context.Time, (node, name, json) =>
                    {
                        if (name == "loading")
                            bars[node.Index].Value = json.GetProperty("done").GetDouble();
                        if (name == "ready")
                            bars[node.Index].Value = bars[node.Index].MaxValue;
                    }, cancellationToken);
            });
    }

    private static void DrawChain(CommandContext context, ChainRoute route)
    {
        context.Say("client (this process): embedding, head, sampling");
        foreach (ChainHop hop in route.Hops)
            context.Say($"  -> {hop.Peer?.Short ?? "local"}  blocks {hop.Blocks,-7}  {hop.Address}");
        context.Say("  -> client\n");
    }

    private static void DrawResult(CommandContext context, GenerationResult result)
    {
        context.Out.WriteLine();
        Grid grid = new();
        grid.AddColumn(new GridColumn().NoWrap());
        grid.AddColumn();
        void Row(string name, FormattableString value) => grid.AddRow(name, Markup.Escape(FormattableString.Invariant(value)));
        Row("prompt", $"{result.PromptTokens} tokens, {result.PrefillTokensPerSecond:F1} tokens/s");
        Row("generated", $"{result.Tokens.Count} tokens, {result.TokensPerSecond:F1} tokens/s ({GenerationEvents.Word(result.FinishReason)})");
        Row("first token after", $"{result.TimeToFirstToken.TotalSeconds:F2} s");
        Row("client sent", $"{Sizes.Bytes(result.Figures.SentBytes)}, received {Sizes.Bytes(result.Figures.ReceivedBytes)}");
        context.OutConsole.Write(grid);

        // Fits a terminal of 80 columns.
        Table table = new() { Border = TableBorder.None };
        foreach (string column in (string[])["peer", "blocks", "address"])
            table.AddColumn(new TableColumn(column).NoWrap().PadLeft(0).PadRight(2));
        foreach (string column in (string[])["compute", "queue", "net", "bytes", "direct"])
            table.AddColumn(new TableColumn(column).NoWrap().RightAligned().PadLeft(0).PadRight(2));
        foreach (HopFigures hop in result.Figures.Hops)
        {
            table.AddRow(
                hop.Peer?.Short ?? "local", $"{hop.Blocks}", hop.Address, Sizes.Milliseconds(hop.ComputeSeconds), Sizes.Milliseconds(hop.QueueSeconds),
                Sizes.Milliseconds(hop.NetworkSeconds), Sizes.Bytes(hop.HiddenBytes), $"{hop.ForwardedDirectly}");
        }

        context.OutConsole.Write(table);
        context.Out.WriteLine("compute, queue, net: milliseconds in all; direct: steps sent straight on, not by way of the client");
    }
}
