using Spectre.Console;
using Swarm.Cli.Framework;
using Swarm.Models;

namespace Swarm.Cli.Inspecting;

/// <summary>Inspect's result for people.</summary>
internal static class InspectionText
{
    public static void Write(CommandContext context, ModelInspection model)
    {
        ModelConfig config = model.Config;
        ModelSource source = model.Source;
        Grid grid = new();
        grid.AddColumn(new GridColumn().NoWrap());
        grid.AddColumn();
        void Row(string name, string value) => grid.AddRow(Markup.Escape(name), Markup.Escape(value));
        Row("model", source.Name);
        Row("path", source.Location);
        Row("family", config.Family);
        Row("parameters", FormattableString.Invariant($"{model.Parameters:N0}"));
        Row("blocks", $"{config.Blocks}");
        Row("hidden", $"{config.Hidden}");
        Row("heads", config.Latent is null
            ? $"{config.Heads} of {config.HeadDimension}, {config.KeyValueHeads} for keys and values"
            : $"{config.Heads} of {config.HeadDimension}, latent keys and values");
        Row("feed-forward", $"{config.FeedForward}");
        if (config.Experts is { } experts)
        {
            string shared = experts.SharedFeedForward > 0 ? $", {experts.SharedFeedForward} shared" : "";
            Row("experts", $"{experts.Router.Experts} of {experts.FeedForward}, {experts.Router.Chosen} a token{shared}");
        }

        if (config.Window > 0)
            Row("window", $"{config.Window} positions, in {Enumerable.Range(0, config.Blocks).Count(block => config.Block(block).Window > 0)} blocks");
        Row("vocabulary", $"{config.Vocabulary}");
        Row("context", $"{config.Context}");
        Row("ends", $"{(config.TiedEnds ? "tied" : "embedding and head")}, {Describe(model.Ends)}");
        Row("weights", source.Weights is null
            ? $"as stored, {Sizes.Bytes(model.StoredBytes)}"
            : $"{ModelIdentity.WeightsName(source.Weights)} when loaded, {Sizes.Bytes(model.HeldBytes)} of {Sizes.Bytes(model.StoredBytes)}");
        Row("tokenizer", source.Tokenizer is { } tokenizer ? $"{tokenizer.Kind}, {tokenizer.VocabularySize} tokens" : "none");
        Row("chat template", source.ChatTemplateText is { } template ? $"{template.Length} characters" : "none");
        Row("identity", model.Identity?.Hex ?? $"unknown here: {model.Missing}");
        context.OutConsole.Write(grid);
        WriteBlocks(context, model);
    }

    private static void WriteBlocks(CommandContext context, ModelInspection model)
    {
        bool quantized = model.Source.Weights is not null;
        Table table = new() { Border = TableBorder.Simple };
        table.AddColumns("blocks", "bytes each", "formats");
        if (quantized)
            table.AddColumns("loaded", "formats");
        for (int first = 0; first < model.Blocks.Count;)
        {
            // Equal neighbours make one line.
            int end = first + 1;
            while (end < model.Blocks.Count && model.Blocks[end].LooksLike(model.Blocks[first]))
                end++;
            ModelPart part = model.Blocks[first];
            string blocks = end == first + 1 ? $"{first}" : $"{first}:{end}";
            string[] stored = [blocks, Sizes.Bytes(part.StoredBytes), Markup.Escape(part.StoredText)];
            table.AddRow(quantized ? [.. stored, Sizes.Bytes(part.HeldBytes), Markup.Escape(part.HeldText)] : stored);
            first = end;
        }

        context.OutConsole.Write(table);
    }

    private static string Describe(ModelPart part) => $"{Sizes.Bytes(part.StoredBytes)} {part.StoredText}";
}
