using System.CommandLine;
using Swarm.Cli.Framework;
using Swarm.Cli.Generating;
using Swarm.Client;
using Swarm.Models.Templates;

namespace Swarm.Cli.Commands;

/// <summary>Streams a continuation of a prompt.</summary>
internal sealed class GenerateCommand : CommandDefinition
{
    private const int DefaultTokens = 128;

    private static readonly Argument<string?> Prompt = new("PROMPT")
    {
        Description = "what to continue; - reads it from stdin",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Setting<bool> Chat =
        Setting<bool>.Switch("chat", "wrap the prompt in the model's chat template", inputOnly: true);

    public override string Name => "generate";

    public override string Description => "streams a continuation of a prompt";

    public override Argument<string?> Argument => Prompt;

    public override IReadOnlyList<ISetting> Settings =>
        [.. ModelOpening.Settings, Chat, .. SamplingSettings.All, CommonSettings.Codec, ModelOpening.RoundAt, ModelOpening.Ends];

    public override async Task<int> RunAsync(CommandContext context)
    {
        // Step 1: the prompt and the options.
        string? prompt = context.GetArgument(Prompt);
        if (prompt is null && context.Host.InputIsTerminal)
            throw new UsageException("'swarm generate' lacks its PROMPT; - reads it from stdin");
        if (prompt is null or "-")
            prompt = await context.ReadInputAsync();
        GenerationOptions options = SamplingSettings.Read(context, DefaultTokens);

        await using LanguageModel model = await ModelOpening.OpenForGeneratingAsync(context);
        int[] ids = ModelOpening.RequireTokenizer(model).Encode(
            context.Get(Chat) ? model.RenderChat([new ChatMessage("user", prompt)]) : prompt, addSpecial: !context.Get(Chat));
        GenerationResult result = await GenerationRun.StreamAsync(context, model, ids, options);
        context.Events?.Write("done", json =>
        {
            GenerationEvents.WriteResult(json, result);
            json.WriteNumber("seed", options.Sampling.Seed);
        });
        if (context.Host.ErrorIsTerminal)
            context.Say(GenerationRun.Summary(result));
        return ExitCode.Done;
    }
}
