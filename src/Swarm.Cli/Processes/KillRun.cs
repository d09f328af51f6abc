using Spectre.Console;
using Swarm.Cli.Framework;
using Swarm.Cli.Generating;
using Swarm.Client;

namespace Swarm.Cli.Processes;

/// <summary>
/// Generates a text undisturbed, then again, and kills a node of the chain half-way: both must be the same. Shows the second as it comes, with a mark where
/// the node died.
/// </summary>
internal sealed class KillRun(CommandContext context, NodeFleet fleet, LanguageModel model)
{
    private readonly List<TimeSpan> _gaps = [];
    private ChainRecovery? _recovery;
    private ChainRoute? _route;

    public async Task<KillReport> RunAsync(int[] ids, GenerationOptions options)
    {
        GenerationResult undisturbed = await model.GenerateAsync(ids, options with { RouteOpened = null }, context.Interrupts.Polite).CompleteAsync();
        context.Events?.Write("undisturbed", json =>
        {
            json.WriteIntegers("tokens", [.. undisturbed.Tokens]);
            json.WriteFinite("tokensPerSecond", undisturbed.TokensPerSecond);
        });

        int killAt = Math.Max(1, undisturbed.Tokens.Count / 2);
        Generation generation = model.GenerateAsync(ids, GenerationRun.Shown(context, options with { RouteOpened = options.RouteOpened + Remember, Recovered = Remember }), context.Interrupts.Polite);
        ChainHop? killed = null;
        int count = 0;
        int gapsBefore = 0;
        long last = context.Time.GetTimestamp();
        await foreach (GeneratedToken token in generation)
        {
            long now = context.Time.GetTimestamp();
            if (count > 0)
                _gaps.Add(context.Time.GetElapsedTime(last, now));
            last = now;
            Show(token);
            if (++count != killAt)
                continue;
            killed = await KillAsync(count);
            gapsBefore = _gaps.Count;
        }

        if (!context.IsJson)
            context.Out.WriteLine();
        TimeSpan usual = _gaps.Order().ElementAtOrDefault(_gaps.Count / 2);
        return new KillReport(undisturbed, generation.Result, killed, killAt, _gaps.Skip(gapsBefore).DefaultIfEmpty().Max(), usual, _recovery);
    }

    private void Remember(ChainRoute route) => _route ??= route;

    private void Remember(ChainRecovery recovery) => _recovery ??= recovery;

    // The hop in the middle: one before it has to feed its replacement, one behind it keeps what it has.
    private async Task<ChainHop> KillAsync(int atToken)
    {
        ChainHop hop = _route!.Hops[_route.Hops.Count / 2];
        NodeProcess? node = null;
        foreach (NodeProcess candidate in fleet.Nodes)
        {
            if ((await candidate.Ready).GetProperty("peer").GetString() == hop.Peer.ToString())
                node = candidate;
        }

        node!.Kill();
        if (context.Events is { } events)
        {
            events.Write("killed", json =>
            {
                json.WriteNumber("pid", node.Pid);
                json.WriteString("peer", hop.Peer.ToString());
                json.WriteNumber("atToken", atToken);
            });
        }
        else
        {
            context.OutConsole.Markup($"[red][[{hop.Peer?.Short} killed]][/]");
        }

        return hop;
    }

    private void Show(GeneratedToken token)
    {
        if (context.Events is { } events)
            GenerationEvents.Token(events, token);
        else
            context.Out.Write(token.Text);
    }
}
