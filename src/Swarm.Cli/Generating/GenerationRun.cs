using Spectre.Console;
using Swarm.Cli.Framework;
using Swarm.Client;

namespace Swarm.Cli.Generating;

/// <summary>Runs one generation to its end and shows it as it comes.</summary>
internal static class GenerationRun
{
    /// <summary>Text goes to stdout, or route and tokens to the events; the caller writes what closes them.</summary>
    public static async Task<GenerationResult> StreamAsync(CommandContext context, LanguageModel model, int[] ids, GenerationOptions options)
    {
        options = Shown(context, options);
        Generation generation = model.GenerateAsync(ids, options, context.Interrupts.Polite);
        bool begun = false;
        try
        {
            await foreach (GeneratedToken token in generation)
            {
                begun = true;
                if (context.Events is { } events)
                    GenerationEvents.Token(events, token);
                else
                    context.Out.Write(token.Text);
            }
        }
        finally
        {
            // Whatever ended the text, the next line does not hang on its end.
            if (begun && !context.IsJson)
                context.Out.WriteLine();
        }

        return generation.Result;
    }

    /// <summary>Options whose route and recoveries are shown.</summary>
    public static GenerationOptions Shown(CommandContext context, GenerationOptions options) => options with
    {
        RouteOpened = options.RouteOpened + (route => Show(context, route)),
        Recovered = options.Recovered + (recovery => Show(context, recovery)),
    };

    /// <summary>One line of figures for people.</summary>
    public static string Summary(GenerationResult result) => FormattableString.Invariant(
        $"{result.PromptTokens} tokens in, {result.Tokens.Count} out ({GenerationEvents.Word(result.FinishReason)}); first after {result.TimeToFirstToken.TotalSeconds:F2} s, then {result.TokensPerSecond:F1} tokens/s");

    private static void Show(CommandContext context, ChainRoute route)
    {
        if (context.Events is { } events)
            GenerationEvents.Route(events, route);
    }

    // For people, only where somebody looks on: who died, who had it to do again, how long it took.
    private static void Show(CommandContext context, ChainRecovery recovery)
    {
        if (context.Events is { } events)
            GenerationEvents.Recovery(events, recovery);
        else if (context.Host.ErrorIsTerminal)
            context.ErrorConsole.Write(new Text(Line(recovery) + Environment.NewLine, new Style(decoration: Decoration.Dim)));
    }

    private static string Line(ChainRecovery recovery) => FormattableString.Invariant(
        $"[{recovery.Reason}: {recovery.Peer?.Short ?? "a hop"}, blocks {recovery.Blocks}; mended in {recovery.Pause.TotalSeconds:F2} s, {recovery.ReplayedTokens} tokens replayed]");
}
