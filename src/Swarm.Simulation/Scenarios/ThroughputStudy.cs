using Swarm.Client;
using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Simulation;

/// <summary>
/// What faults cost: one client generates, and with a certain probability at each of its tokens a node of its chain is killed and comes back later. Three nodes hold each span; a step takes
/// about 50 ms.
/// </summary>
public sealed record ThroughputStudy
{
    private const int PromptTokens = 16;
    private const int GeneratedTokens = 200;
    private static readonly TimeSpan Absence = TimeSpan.FromSeconds(3);

    /// <summary>Tokens that came.</summary>
    public required int Tokens { get; init; }

    /// <summary>Nodes that were killed.</summary>
    public required int Kills { get; init; }

    /// <summary>Times that the chain was mended.</summary>
    public required int Recoveries { get; init; }

    /// <summary>In virtual time.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>All tokens in their order: the same with and without faults.</summary>
    public required IReadOnlyList<int> Text { get; init; }

    /// <summary>Runs it.</summary>
    /// <param name="seed">Of keys, network and faults.</param>
    /// <param name="tokens">How many are generated, in texts of 200.</param>
    /// <param name="faultsPerToken">Probability of a kill at each token.</param>
    public static ThroughputStudy Run(ulong seed, int tokens, double faultsPerToken)
    {
        using var swarm = new SimulatedSwarm(seed, new SimulationOptions().Model, new RunTrace());
        swarm.Network.Weather = new Weather { Delay = (TimeSpan.FromMilliseconds(0.5), TimeSpan.FromMilliseconds(1)) };
        return swarm.World.Run(() => LiveAsync(swarm, new SeededRandomSource(seed ^ 0x1F83D9ABFB41BD6B), tokens, faultsPerToken));
    }

    private static async Task<ThroughputStudy> LiveAsync(SimulatedSwarm swarm, SeededRandomSource random, int tokens, double faultsPerToken)
    {
        var speed = new ComputeSpeed(TimeSpan.FromMilliseconds(6.5), TimeSpan.FromMilliseconds(0.15));
        BlockSpan[] spans = [new(0, 3), new(3, 5), new(5, 7)];
        foreach (BlockSpan span in spans.Concat(spans).Concat(spans))
            await swarm.StartAsync(swarm.Add(span, speed));
        int kills = 0;
        int recoveries = 0;
        var text = new List<int>();
        VirtualProcess process = swarm.NewProcess("client");
        TimeSpan time = await process.StartAsync(async () =>
        {
            await using SwarmClient client = await swarm.ConnectAsync(process);
            TimeSpan start = swarm.World.Elapsed;
            for (int number = 0; text.Count < tokens; number++)
            {
                int[] prompt = [.. Enumerable.Range(0, PromptTokens).Select(index => ((number * 53) + (index * 29)) % client.Config.Vocabulary)];
                Generation generation = client.GenerateAsync(prompt, new GenerationOptions { MaxTokens = GeneratedTokens, StopAtEndOfSequence = false });
                long[] passes = [];
                await foreach (GeneratedToken token in generation)
                {
                    text.Add(token.Id);
                    SimulatedNode[] working = [.. swarm.Nodes.Where(node => node.Host is { } host && node.Number < passes.Length && host.Passes > passes[node.Number])];
                    passes = [.. swarm.Nodes.Select(node => node.Host?.Passes ?? 0)];
                    if (working.Length == 0 || random.NextDouble() >= faultsPerToken)
                        continue;
                    kills++;
                    SimulatedNode struck = working[(int)(random.NextUInt64() % (ulong)working.Length)];
                    struck.Kill(swarm.Network, silently: false);
                    swarm.World.Plan(Absence, () => swarm.World.Watch(swarm.StartAsync(struck)));
                }

                recoveries += generation.Result.Recoveries;
            }

            return swarm.World.Elapsed - start;
        });
        return new ThroughputStudy { Tokens = text.Count, Kills = kills, Recoveries = recoveries, TokensPerSecond = text.Count / time.TotalSeconds, Text = text };
    }
}
