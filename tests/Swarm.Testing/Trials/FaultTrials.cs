using System.Diagnostics;
using Swarm.Testing.Fuzzing;
using Swarm.Testing.Processes;

namespace Swarm.Testing.Trials;

/// <summary>
/// Generations of the default model through real processes that are killed or frozen under way, each compared with the same generation in one process.
/// </summary>
public sealed class FaultTrials : IAsyncDisposable
{
    // Every span has a replica; the middle one two, so that a replacement can be struck as well.
    private static readonly string[] Spans = ["0:10", "10:20", "20:30", "0:10", "10:20", "20:30", "10:20"];

    private static readonly string[] LongPrompt = [string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog, and the dog sleeps on. ", 16)), "--tokens", "16"];
    private static readonly string[] Story = ["Once upon a time", "--tokens", "130"];
    private static readonly string[] SampledStory = ["The history of bees", "--tokens", "48", "--temperature", "0.8", "--seed", "7"];

    private readonly ServeFleet _fleet;
    private readonly FuzzRandom _random;
    private readonly Dictionary<string[], string> _expected = [];
    private TimeSpan _prefill;

    private FaultTrials(ServeFleet fleet, ulong seed)
    {
        _fleet = fleet;
        _random = new FuzzRandom(seed);
    }

    /// <summary>Hops of every chain.</summary>
    public static int Hops => 3;

    /// <summary>Starts the nodes and makes the texts that undisturbed runs give: in one process, and once through the chain.</summary>
    public static async Task<FaultTrials> StartAsync(ulong seed)
    {
        FaultTrials trials = new(await ServeFleet.StartAsync(Spans, ["--threads", "1"]), seed);
        try
        {
            foreach (string[] arguments in (string[][])[LongPrompt, Story, SampledStory])
            {
                SwarmResult local = await SwarmProcess.RunAsync(["generate", "--local", "--json", .. arguments]);
                trials._expected[arguments] = local.Last().GetProperty("tokens").GetRawText();
                await using WatchedGeneration generation = WatchedGeneration.Start(trials._fleet.Invite, arguments);
                GenerationOutcome undisturbed = await generation.FinishAsync();
                if (undisturbed.Tokens != trials._expected[arguments])
                    throw new InvalidOperationException($"undisturbed, the chain gives other tokens than one process: {undisturbed.Failure}");
                if (arguments == LongPrompt)
                    trials._prefill = Stopwatch.GetElapsedTime(undisturbed.RouteAt!.Value, undisturbed.TokenTimes[0]);
            }

            await trials._fleet.WaitUntilAllSeenAsync();
            return trials;
        }
        catch
        {
            await trials.DisposeAsync();
            throw;
        }
    }

    /// <summary>One generation with harm to a hop; afterwards all nodes are up again.</summary>
    public async Task<FaultOutcome> RunAsync(FaultAct act, FaultMoment moment, int hop)
    {
        string[] arguments = moment switch
        {
            FaultMoment.Prefill => LongPrompt,
            FaultMoment.HundredthStep => Story,
            _ => _random.Chance(50) ? Story : SampledStory,
        };
        List<ServeNode> struck = [];
        GenerationOutcome outcome;
        await using (WatchedGeneration generation = WatchedGeneration.Start(_fleet.Invite, arguments))
        {
            ServeNode[] route = [.. (await generation.WaitForRouteAsync()).Select(_fleet.ByPeer)];
            if (route.Length > hop && await IsReachedAsync(moment, generation))
                await StrikeAsync(act, moment, generation, route, hop, struck);
            if (act == FaultAct.Freeze && struck.Count > 0)
            {
                // Back while the generation still runs, or after it.
                await generation.WaitForEventsAsync("recovery", 1);
                await generation.WaitForEventsAsync("token", 110 + _random.Next(40));
                struck.ForEach(node => node.Thaw());
            }

            outcome = await generation.FinishAsync();
        }

        string[] names = [.. struck.Select(node => node.Blocks)];
        if (act == FaultAct.Kill)
        {
            foreach (ServeNode node in struck)
                await node.RestartAsync();
        }

        await _fleet.WaitUntilAllSeenAsync();
        return new FaultOutcome(moment, names, outcome, outcome.IsDone && outcome.Tokens == _expected[arguments]);
    }

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    private async Task<bool> IsReachedAsync(FaultMoment moment, WatchedGeneration generation)
    {
        if (moment == FaultMoment.Prefill)
        {
            // Nothing tells from outside how far a prompt is: any moment of it will do.
            await Task.Delay(_prefill * (_random.Next(100) / 100.0));
            return true;
        }

        return await generation.WaitForEventsAsync("token", moment switch
        {
            FaultMoment.FirstStep => 1,
            FaultMoment.HundredthStep => 100,
            _ => 2 + _random.Next(40),
        });
    }

    private async Task StrikeAsync(FaultAct act, FaultMoment moment, WatchedGeneration generation, ServeNode[] route, int hop, List<ServeNode> struck)
    {
        int other = (hop + 1 + _random.Next(route.Length - 1)) % route.Length;
        ServeNode[] spares = [.. _fleet.Nodes.Except(route)];
        int[] seen = [.. spares.Select(spare => spare.Process.LinesSoFar.Count)];
        Strike(act, route[hop], struck);
        if (moment == FaultMoment.TwoAtOnce)
            Strike(act, route[other], struck);
        if (moment is not (FaultMoment.DuringRecovery or FaultMoment.Replacement))
            return;
        Task<bool>[] opening = [.. spares.Select((spare, index) => spare.Process.WaitForLinesAsync(
            lines => lines.Skip(seen[index]).Any(line => WatchedGeneration.IsEvent(line, "sessionOpened")), "session at a replacement"))];
        Task first = await Task.WhenAny([.. opening, generation.WaitForEventsAsync("done", 1)]);
        if (Array.IndexOf(opening, first) < 0)
            return;
        Strike(act, moment == FaultMoment.Replacement ? spares[Array.IndexOf(opening, first)] : route[other], struck);
    }

    private static void Strike(FaultAct act, ServeNode node, List<ServeNode> struck)
    {
        struck.Add(node);
        if (act == FaultAct.Kill)
            node.Kill();
        else
            node.Freeze();
    }
}
