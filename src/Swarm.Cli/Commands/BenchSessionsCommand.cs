using Swarm.Cli.Framework;
using Swarm.Cli.Measuring;
using Swarm.Cli.Processes;
using Swarm.Client;

namespace Swarm.Cli.Commands;

/// <summary>
/// Many sessions at once against one, through the same node processes. The nodes hold the ends too: what is measured is their batching, not the client's head.
/// </summary>
internal sealed class BenchSessionsCommand : CommandDefinition
{
    private const int PromptTokens = 32;
    private const int PrefillTokens = 256;
    private const int Rounds = 5;

    private static readonly Setting<int> Nodes = new("nodes", "N", "node processes (default 1)", Values.Integer(1, 256), 1);
    private static readonly Setting<int> Sessions = new("sessions", "N", "sessions at once (default 16)", Values.Integer(1, 1024), 16);
    private static readonly Setting<int> Steps = new("steps", "N", "decode steps of each session a round (default 12)", Values.Integer(1, 1 << 16), 12);

    public override string Name => "sessions";

    public override string Description => "many sessions at once against one, on nodes of this machine";

    public override IReadOnlyList<ISetting> Settings => [Nodes, Sessions, Steps, CommonSettings.Model, CommonSettings.Weights, CommonSettings.Threads];

    public override async Task<int> RunAsync(CommandContext context)
    {
        CancellationToken polite = context.Interrupts.Polite;
        int nodes = context.Get(Nodes);
        int steps = context.Get(Steps);
        int blocks;
        using (var source = await context.OpenModelAsync())
            blocks = source.Config.Blocks;
        if (nodes > blocks)
            throw new UsageException($"--nodes: {nodes}, expected at most {blocks}, the model's blocks");
        await using NodeFleet fleet = await NodeFleet.StartAsync(
            NodeFleet.Split(blocks, nodes), NodeFleet.CommonArguments(context), context.Time, (_, _, _) => { }, polite);
        await using LanguageModel model = await ModelOpening.ConnectAsync(context, fleet.Invite, EndsMode.Swarm);
        List<SessionProbe> probes = [];
        try
        {
            for (int i = 0; i < context.Get(Sessions); i++)
                probes.Add(await SessionProbe.OpenAsync(model, i, PrefillTokens + steps, context.Time, polite));
            foreach (SessionProbe probe in probes)
                await probe.PrefillAsync(PromptTokens, polite);

            // Arithmetic's floor: a prompt alone, whose tokens share every reading of the weights.
            await probes[0].PrefillAsync(PrefillTokens, polite);
            double prefill = PrefillTokens / await probes[0].PrefillAsync(PrefillTokens, polite);
            await Task.WhenAll(probes.Select(probe => probe.DecodeAsync(PromptTokens, steps, polite)));

            // One and all in turn: what else the machine does falls on both.
            List<double> one = [];
            List<double> all = [];
            for (int round = 0; round < Rounds; round++)
            {
                polite.ThrowIfCancellationRequested();
                one.Add(await probes[0].DecodeAsync(PromptTokens, steps, polite));
                long start = context.Time.GetTimestamp();
                await Task.WhenAll(probes.Select(probe => probe.DecodeAsync(PromptTokens, steps, polite)));
                all.Add(context.Time.GetElapsedTime(start).TotalSeconds);
            }

            double oneRate = steps / Medians.Of(one);
            double allRate = probes.Count * steps / Medians.Of(all);
            Report(context, model.Name, probes.Count, nodes, oneRate, allRate, prefill);
        }
        finally
        {
            foreach (SessionProbe probe in probes)
                await probe.DisposeAsync();
        }

        return ExitCode.Done;
    }

    private static void Report(CommandContext context, string model, int sessions, int nodes, double one, double all, double prefill)
    {
        if (context.Events is { } events)
        {
            events.Write("done", json =>
            {
                json.WriteString("model", model);
                json.WriteNumber("sessions", sessions);
                json.WriteNumber("nodes", nodes);
                json.WriteNumber("threads", context.Get(CommonSettings.Threads));
                json.WriteFinite("oneTokensPerSecond", one);
                json.WriteFinite("allTokensPerSecond", all);
                json.WriteFinite("ratio", all / one);
                json.WriteFinite("prefillTokensPerSecond", prefill);
                json.WriteFinite("arithmeticFromSessions", prefill / one);
                json.WriteFinite("floorFraction", all / Math.Min(prefill, sessions * one));
            });
            return;
        }

        context.Out.WriteLine($"model             {model}, {nodes} node{(nodes == 1 ? "" : "s")} on the loopback address, which {(nodes == 1 ? "has" : "have")} the ends as well");
        context.Out.WriteLine(FormattableString.Invariant($"one session       {one:F1} tokens/s"));
        context.Out.WriteLine(FormattableString.Invariant($"{sessions,-3} sessions      {all:F1} tokens/s together, {all / one:F2} times as many"));
        context.Out.WriteLine(FormattableString.Invariant(
            $"the floor         {Math.Min(prefill, sessions * one):F1} tokens/s: {sessions} × one, but no more than a prompt's {prefill:F1} tokens/s, where arithmetic takes over from memory (at {prefill / one:F1} sessions)"));
    }
}
