using Swarm.Cli.Framework;
using Swarm.Client;

namespace Swarm.Cli.Generating;

/// <summary>Runs one generation to its end and shows it as it comes.</summary>
internal static class GenerationRun
{
    /// <summary>Text goes to stdout, or route and tokens to the events; the caller writes what closes them.</summary>
    public static async Task<GenerationResult> StreamAsync(CommandContext context, LanguageModel model, int[] ids, GenerationOptions options)
    {
        options = options with { RouteOpened = options.RouteOpened + (route => Show(context, route)) };
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

    /// <summary>One line of figures for people.</summary>
    public static string Summary(GenerationResult result) => FormattableString.Invariant(
        $"{result.PromptTokens} tokens in, {result.Tokens.Count} out ({GenerationEvents.Word(result.FinishReason)}); first after {result.TimeToFirstToken.TotalSeconds:F2} s, then {result.TokensPerSecond:F1} tokens/s");

    private static void Show(CommandContext context, ChainRoute route)
    {
        if (context.Events is { } events)
            GenerationEvents.Route(events, route);
    }
}
