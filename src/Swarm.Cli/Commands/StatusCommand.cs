using Spectre.Console;
using Spectre.Console.Rendering;
using Swarm.Cli.Framework;
using Swarm.Cli.Home;
using Swarm.Cli.Watching;
using Swarm.Client.Observing;

namespace Swarm.Cli.Commands;

/// <summary>The swarm on one screen: alerts first, coverage, nodes; once or live.</summary>
internal sealed class StatusCommand : CommandDefinition
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private static readonly Setting<bool> Watch = Setting<bool>.Switch("watch", "renew it in place until Ctrl-C", inputOnly: true);

    // Its own: without it, the model that most nodes serve is meant, not this machine's default.
    private static readonly Setting<string?> Model =
        new("model", "M", "name, or beginning of the identity, of the model to show (default: the one that most nodes serve)", Values.OptionalText, null, inputOnly: true);

    public override string Name => "status";

    public override string Description => "the swarm on one screen: alerts, replicas of each block, nodes";

    public override IReadOnlyList<ISetting> Settings => [Watch, Model, CommonSettings.Join, CommonSettings.Dial];

    public override async Task<int> RunAsync(CommandContext context)
    {
        SwarmChoice choice = SwarmChoice.Require(context);
        await using Observation observation = await Observation.OpenAsync(context, choice.Invite, choice.Folder?.ReadRevocations());
        string? model = context.Get(Model);
        SwarmStatus status = await observation.Observer.ObserveAsync(model, context.Interrupts.Polite);
        if (context.Get(Watch))
            status = await WatchAsync(context, observation.Observer, model, status);
        else if (!context.IsJson)
            Print(context, status);
        context.Events?.Write("done", json => StatusEvents.Write(json, status));
        return ExitCode.Done;
    }

    private static async Task<SwarmStatus> WatchAsync(CommandContext context, SwarmObserver observer, string? model, SwarmStatus status)
    {
        if (context.Events is { } events)
            return await RepeatAsync(context, observer, model, status, seen => events.Write("status", json => StatusEvents.Write(json, seen)));
        if (!context.Host.OutputIsTerminal)
            return await RepeatAsync(context, observer, model, status, seen => Print(context, seen));

        // Alerts stand on top: what does not fit is cut below.
        await context.OutConsole.Live(Draw(context, status)).Overflow(VerticalOverflow.Crop).Cropping(VerticalOverflowCropping.Bottom).StartAsync(async live =>
            status = await RepeatAsync(context, observer, model, status, seen => live.UpdateTarget(Draw(context, seen))));
        return status;
    }

    // Looks again and again until it is asked to end; gives the last look.
    private static async Task<SwarmStatus> RepeatAsync(CommandContext context, SwarmObserver observer, string? model, SwarmStatus status, Action<SwarmStatus> show)
    {
        try
        {
            while (true)
            {
                show(status);
                await Task.Delay(Interval, context.Time, context.Interrupts.Polite);
                status = await observer.ObserveAsync(model, context.Interrupts.Polite);
            }
        }
        catch (OperationCanceledException) when (context.Interrupts.Requested)
        {
            return status;
        }
    }

    private static void Print(CommandContext context, SwarmStatus status)
    {
        foreach (string line in StatusText.Lines(status, context.OutConsole.Profile.Width))
            context.OutConsole.MarkupLine(line);
        context.Out.WriteLine();
    }

    private static Rows Draw(CommandContext context, SwarmStatus status)
    {
        string time = FormattableString.Invariant($"{context.Time.GetLocalNow():HH:mm:ss}, every {Interval.TotalSeconds:0} s; Ctrl-C ends");
        IEnumerable<string> lines = StatusText.Lines(status, LiveRegion.Width(context.OutConsole)).Append("").Append($"[dim]{Markup.Escape(time)}[/]");
        return new Rows(lines.Select(line => (IRenderable)new Markup(line.Length > 0 ? line : " ")));
    }
}
