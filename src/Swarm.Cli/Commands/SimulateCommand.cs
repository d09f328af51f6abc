using System.Globalization;
using System.Text.Json;
using Swarm.Cli.Framework;
using Swarm.Simulation;

namespace Swarm.Cli.Commands;

/// <summary>Whole swarms with the real rules on a virtual clock, one for each seed.</summary>
internal sealed class SimulateCommand : CommandDefinition
{
    private const ulong MostSeeds = 1_000_000;

    private static readonly Setting<(ulong First, ulong End)> Seeds = new("seeds", "A:B", "seeds from A up to B, without B", ParseSeeds, (0, 20), inputOnly: true);

    private static readonly Setting<int?> Nodes = new("nodes", "N", "nodes of a swarm, 2 to 32 (default: 5 to 8, as the seed says)", Values.OptionalInteger(2, 32), null, inputOnly: true);

    private static readonly Setting<float> Minutes = new("minutes", "M", "virtual time in which generations begin", Values.Number(0.01f, 1000), 0.25f, inputOnly: true);

    private static readonly Setting<IReadOnlySet<SimulatedFault>?> Faults =
        new("faults", "LIST", $"what may befall it, of {string.Join(", ", Enum.GetValues<SimulatedFault>().Select(NameOf))}; or none (default: all)", ParseFaults, null, inputOnly: true);

    private static readonly Setting<bool> Trace = Setting<bool>.Switch("trace", "print what happens, message by message, to stderr", inputOnly: true, hidden: true);

    public override string Name => "simulate";

    public override string Description => "whole swarms with the real rules on a virtual clock, under faults";

    public override IReadOnlyList<ISetting> Settings => [Seeds, Nodes, Minutes, Faults, Trace];

    public override Task<int> RunAsync(CommandContext context)
    {
        (ulong first, ulong end) = context.Get(Seeds);
        var options = new SimulationOptions
        {
            Nodes = context.Get(Nodes),
            Length = TimeSpan.FromMinutes(context.Get(Minutes)),
        };
        if (context.Get(Faults) is { } faults)
            options = options with { Faults = faults };
        if (context.Get(Trace))
            options = options with { Watch = context.Error.WriteLine };
        long start = context.Time.GetTimestamp();
        int done = 0;
        SimulationTotals totals = SeedRunner.Run(first, end, options, result =>
        {
            done++;
            if (!result.IsSound)
                Report(context, result);
            else if (context.ShowsProgress && done % 10 == 0)
                context.Say(string.Create(CultureInfo.InvariantCulture, $"{done} of {end - first} seeds"));
        }, context.Interrupts.Polite);
        context.Interrupts.Polite.ThrowIfCancellationRequested();
        Write(context, totals, context.Time.GetElapsedTime(start));
        return Task.FromResult(totals.Failed.Count == 0 ? ExitCode.Done : ExitCode.Failed);
    }

    /// <summary>As it stands in lists and events.</summary>
    private static string NameOf(SimulatedFault fault) => JsonNamingPolicy.CamelCase.ConvertName(fault.ToString());

    private static (ulong First, ulong End) ParseSeeds(string text)
    {
        string[] parts = text.Split(':');
        return parts.Length == 2
            && ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong first)
            && ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong end)
            && first < end && end - first <= MostSeeds
            ? (first, end)
            : throw new FormatException($"A:B with A < B, at most {MostSeeds} seeds, such as 0:200");
    }

    private static IReadOnlySet<SimulatedFault>? ParseFaults(string text)
    {
        var faults = new SortedSet<SimulatedFault>();
        foreach (string name in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(name => name != "none"))
        {
            SimulatedFault[] named = [.. Enum.GetValues<SimulatedFault>().Where(fault => NameOf(fault) == name)];
            faults.Add(named.Length == 1 ? named[0] : throw new FormatException($"a list of {string.Join(", ", Enum.GetValues<SimulatedFault>().Select(NameOf))}, or none"));
        }

        return faults;
    }

    private static void Report(CommandContext context, RunResult result)
    {
        string again = string.Create(CultureInfo.InvariantCulture, $"swarm simulate --seeds {result.Seed}:{result.Seed + 1}");
        if (context.Events is { } events)
        {
            events.Write("violation", json =>
            {
                json.WriteNumber("seed", result.Seed);
                json.WriteStartArray("violations");
                foreach (string violation in result.Violations)
                    json.WriteStringValue(violation);
                json.WriteEndArray();
                json.WriteString("again", again);
            });
            return;
        }

        context.Out.WriteLine($"seed {result.Seed}:");
        foreach (string violation in result.Violations)
            context.Out.WriteLine($"  {violation}");
        context.Out.WriteLine($"  again by: {again}");
    }

    private static void Write(CommandContext context, SimulationTotals totals, TimeSpan elapsed)
    {
        if (context.Events is { } events)
        {
            events.Write("done", json =>
            {
                json.WriteNumber("runs", totals.Runs.Count);
                json.WriteNumber("generations", totals.Generations);
                json.WriteNumber("tokens", totals.Tokens);
                json.WriteNumber("recoveries", totals.Recoveries);
                json.WriteNumber("uncovered", totals.Runs.Sum(run => run.Uncovered));
                json.WriteStartObject("faults");
                foreach ((SimulatedFault kind, int count) in totals.Faults)
                    json.WriteNumber(NameOf(kind), count);
                json.WriteEndObject();
                json.WriteNumber("mismatches", totals.Mismatches);
                json.WriteNumber("hangs", totals.Hangs);
                json.WriteNumber("violations", totals.Violations);
                json.WriteStartArray("failedSeeds");
                foreach (RunResult failed in totals.Failed)
                    json.WriteNumberValue(failed.Seed);
                json.WriteEndArray();
                json.WriteFinite("virtualSeconds", totals.VirtualSeconds);
                json.WriteFinite("seconds", elapsed.TotalSeconds);
                json.WriteNumber("prefixTokens", totals.PrefixTokens);
                json.WriteString("traceHash", totals.TraceHash);
            });
            return;
        }

        context.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{totals.Runs.Count} runs, {totals.Generations} generations, {totals.Tokens} tokens, {totals.Faults.Values.Sum()} faults, {totals.Recoveries} recoveries in {totals.VirtualSeconds:F0} virtual seconds ({elapsed.TotalSeconds:F1} s)"));
        context.Out.WriteLine($"{totals.Mismatches} wrong texts, {totals.Hangs} hangs, {totals.Violations} violations; trace {totals.TraceHash}");
    }
}
