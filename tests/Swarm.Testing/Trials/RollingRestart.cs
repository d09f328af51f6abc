using Swarm.Testing.Processes;

namespace Swarm.Testing.Trials;

/// <summary>All nodes of a swarm are terminated politely and started again, one by one, while clients generate one text after another.</summary>
public sealed class RollingRestart
{
    private static readonly string[] Story = ["Once upon a time", "--tokens", "48"];

    private readonly ServeFleet _fleet;
    private volatile ServeNode _entry;
    private volatile bool _over;

    private RollingRestart(ServeFleet fleet)
    {
        _fleet = fleet;
        _entry = fleet.Nodes[^1];
    }

    /// <summary>Runs it; each span should be given twice.</summary>
    /// <returns>Every generation, and whether its tokens are those of one process.</returns>
    public static async Task<IReadOnlyList<(GenerationOutcome Outcome, bool IsIdentical)>> RunAsync(int clients, params string[] spans)
    {
        SwarmResult local = await SwarmProcess.RunAsync(["generate", "--local", "--json", .. Story]);
        string expected = local.Last().GetProperty("tokens").GetRawText();
        await using ServeFleet fleet = await ServeFleet.StartAsync(spans, ["--threads", "1"]);
        await fleet.WaitUntilAllSeenAsync();
        RollingRestart restart = new(fleet);
        Task<List<GenerationOutcome>>[] running = [.. Enumerable.Range(0, clients).Select(_ => restart.GenerateOnAndOnAsync())];
        try
        {
            await restart.RestartAllAsync();
        }
        finally
        {
            restart._over = true;
        }

        List<GenerationOutcome>[] outcomes = await Task.WhenAll(running);
        return [.. outcomes.SelectMany(list => list).Select(outcome => (outcome, outcome.IsDone && outcome.Tokens == expected))];
    }

    private async Task RestartAllAsync()
    {
        foreach (ServeNode node in _fleet.Nodes)
        {
            // Who comes now asks a node that stays for a while.
            if (node == _entry)
                _entry = _fleet.Nodes[0];
            SwarmResult left = await node.TerminateAsync();
            if (left.ExitCode != 0)
                throw new InvalidOperationException($"{node.Blocks} did not leave politely: {left.Error}");
            await node.RestartAsync();
            await _fleet.WaitUntilAllSeenAsync();
        }
    }

    private async Task<List<GenerationOutcome>> GenerateOnAndOnAsync()
    {
        List<GenerationOutcome> outcomes = [];
        while (!_over)
        {
            await using WatchedGeneration generation = WatchedGeneration.Start(_entry.Invite, Story);
            outcomes.Add(await generation.FinishAsync());
        }

        return outcomes;
    }
}
