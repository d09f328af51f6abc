using Swarm.Cli.Framework;
using Swarm.Cli.Inspecting;
using Swarm.Models;

namespace Swarm.Cli.Commands;

/// <summary>What a model is: family, sizes, blocks with bytes and formats, tokenizer, template, identity.</summary>
internal sealed class InspectCommand : CommandDefinition
{
    /// <summary>The arithmetic that nodes compute with; part of the identity.</summary>
    private const string NumericsClass = "canonical-1";

    public override string Name => "inspect";

    public override string Description => "what a model is: sizes, blocks, tokenizer, template, identity";

    public override IReadOnlyList<ISetting> Settings => [CommonSettings.Model, CommonSettings.Weights];

    public override async Task<int> RunAsync(CommandContext context)
    {
        using ModelSource source = await context.OpenModelAsync();
        ModelInspection model = ModelInspection.Make(source, NumericsClass, context.Interrupts.Polite);
        if (context.Events is { } events)
            events.Write("done", json => InspectionJson.Write(json, model, NumericsClass));
        else
            InspectionText.Write(context, model);
        return ExitCode.Done;
    }
}
