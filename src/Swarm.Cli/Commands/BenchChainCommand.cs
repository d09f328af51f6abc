using Swarm.Cli.Framework;
using Swarm.Cli.Measuring;
using Swarm.Cli.Processes;
using Swarm.Client;

namespace Swarm.Cli.Commands;

/// <summary>A chain of node processes on the loopback address against the same model in this process.</summary>
internal sealed class BenchChainCommand : CommandDefinition
{
    private const int PromptTokens = 32;
    private const int Rounds = 6;
    private const int Steps = 16;

    private static readonly Setting<int> Nodes = new("nodes", "N", "node processes (default 3)", Values.Integer(1, 256), 3);

    public override string Name => "chain";

    public override string Description => "a chain of nodes on this machine against one process";

    public override IReadOnlyList<ISetting> Settings => [Nodes, CommonSettings.Model, CommonSettings.Weights, CommonSettings.Threads];

    public override async Task<int> RunAsync(CommandContext context)
    {
        CancellationToken polite = context.Interrupts.Polite;
        int nodes = context.Get(Nodes);
        await using LocalModel local = await ModelOpening.LoadLocalAsync(context);
        if (nodes > local.Config.Blocks)
            throw new UsageException($"--nodes: {nodes}, expected at most {local.Config.Blocks}, the model's blocks");
        await using NodeFleet fleet = await NodeFleet.StartAsync(
            NodeFleet.Split(local.Config.Blocks, nodes), NodeFleet.CommonArguments(context), context.Time, (_, _, _) => { }, polite);
        await using LanguageModel chain = await ModelOpening.ConnectAsync(context, fleet.Invite);
        await using DecodeProbe localProbe = await DecodeProbe.OpenAsync(local, PromptTokens, Steps, context.Time, polite);
        await using DecodeProbe chainProbe = await DecodeProbe.OpenAsync(chain, PromptTokens, Steps, context.Time, polite);
        foreach (DecodeProbe probe in (DecodeProbe[])[localProbe, chainProbe])
        {
            await probe.PrefillAsync(polite);
            await probe.DecodeAsync(Steps, polite);
        }

        // One and the other in turn: what else the machine does falls on both.
        List<double> localSteps = [];
        List<double> chainSteps = [];
        List<double> software = [];
        for (int round = 0; round < Rounds; round++)
        {
            polite.ThrowIfCancellationRequested();
            localSteps.AddRange((await localProbe.DecodeAsync(Steps, polite)).Select(step => step.Seconds));
            StepTimes[] through = await chainProbe.DecodeAsync(Steps, polite);
            chainSteps.AddRange(through.Select(step => step.Seconds));

            // A chain of n nodes has n + 1 ways: into each node, and back to the client.
            software.AddRange(through.Select(step => (step.ChainSeconds - step.ComputeSeconds) / (nodes + 1)));
        }

        double localRate = 1 / Medians.Of(localSteps);
        double chainRate = 1 / Medians.Of(chainSteps);
        double perHop = Medians.Of(software);
        if (context.Events is { } events)
        {
            events.Write("done", json =>
            {
                json.WriteString("model", local.Name);
                json.WriteNumber("nodes", nodes);
                json.WriteFinite("localTokensPerSecond", localRate);
                json.WriteFinite("chainTokensPerSecond", chainRate);
                json.WriteFinite("ratio", chainRate / localRate);
                json.WriteFinite("softwareSecondsPerHop", perHop);
            });
        }
        else
        {
            context.Out.WriteLine($"model             {local.Name}, {nodes} nodes on the loopback address");
            context.Out.WriteLine(FormattableString.Invariant($"one process       {localRate:F1} tokens/s (the floor, same run)"));
            context.Out.WriteLine(FormattableString.Invariant($"chain             {chainRate:F1} tokens/s, {Sizes.Percent(chainRate / localRate)} of it"));
            context.Out.WriteLine(FormattableString.Invariant($"software a hop    {perHop * 1000:F3} ms ((chain step - compute of all nodes) / {nodes + 1})"));
        }

        return ExitCode.Done;
    }
}
