using System.Text.Json;
using Spectre.Console;
using Swarm.Cli.Framework;
using Swarm.Models;
using Swarm.Models.Files;

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
        ModelConfig config = source.Config;
        Part[] blocks = [.. Enumerable.Range(0, config.Blocks).Select(_ => new Part())];
        Part ends = new();
        long parameters = 0;
        foreach (TensorInfo tensor in source.Tensors.Tensors)
        {
            parameters += tensor.Shape.Aggregate(1L, (product, length) => product * length);
            (source.BlockOf(tensor) is { } block && block < blocks.Length ? blocks[block] : ends).Add(tensor);
        }

        long missing = source.Tensors.MissingBytes(source.Tensors.Tensors);
        ModelIdentity? identity = missing > 0
            ? null
            : ModelIdentity.Compute(config, ModelManifest.Create(source.Tensors, null, context.Interrupts.Polite), NumericsClass, source.Weights);
        if (context.Events is { } events)
            events.Write("done", json => WriteJson(json, source, config, blocks, ends, parameters, identity));
        else
            WriteTable(context, source, config, blocks, ends, parameters, identity);
        return ExitCode.Done;
    }

    private static void WriteJson(
        Utf8JsonWriter json, ModelSource source, ModelConfig config, Part[] blocks, Part ends, long parameters, ModelIdentity? identity)
    {
        json.WriteString("name", source.Name);
        json.WriteString("path", source.Location);
        json.WriteString("family", config.Family);
        json.WriteString("identity", identity?.Hex);
        json.WriteString("numerics", NumericsClass);
        json.WriteNumber("parameters", parameters);
        json.WriteNumber("hidden", config.Hidden);
        json.WriteNumber("heads", config.Heads);
        json.WriteNumber("keyValueHeads", config.KeyValueHeads);
        json.WriteNumber("headDimension", config.HeadDimension);
        json.WriteNumber("feedForward", config.FeedForward);
        json.WriteNumber("vocabulary", config.Vocabulary);
        json.WriteNumber("context", config.Context);
        json.WriteBoolean("tiedEnds", config.TiedEnds);
        json.WriteNumber("bytes", ends.Bytes + blocks.Sum(block => block.Bytes));
        json.WriteStartObject("ends");
        ends.WriteTo(json);
        json.WriteEndObject();
        json.WriteStartArray("blocks");
        for (int i = 0; i < blocks.Length; i++)
        {
            json.WriteStartObject();
            json.WriteNumber("block", i);
            blocks[i].WriteTo(json);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (source.Tokenizer is { } tokenizer)
        {
            json.WriteStartObject("tokenizer");
            json.WriteString("kind", tokenizer.Kind);
            json.WriteNumber("vocabularySize", tokenizer.VocabularySize);
            WriteOptional(json, "bos", tokenizer.SpecialTokens.Bos);
            WriteOptional(json, "eos", tokenizer.SpecialTokens.Eos);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("tokenizer");
        }

        if (source.ChatTemplateText is { } template)
            json.WriteString("chatTemplate", template);
        else
            json.WriteNull("chatTemplate");
    }

    private static void WriteOptional(Utf8JsonWriter json, string name, int? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
        else
            json.WriteNull(name);
    }

    private static void WriteTable(
        CommandContext context, ModelSource source, ModelConfig config, Part[] blocks, Part ends, long parameters, ModelIdentity? identity)
    {
        Grid grid = new();
        grid.AddColumn(new GridColumn().NoWrap());
        grid.AddColumn();
        void Row(string name, string value) => grid.AddRow(Markup.Escape(name), Markup.Escape(value));
        Row("model", source.Name);
        Row("path", source.Location);
        Row("family", config.Family);
        Row("parameters", FormattableString.Invariant($"{parameters:N0}"));
        Row("blocks", $"{config.Blocks}");
        Row("hidden", $"{config.Hidden}");
        Row("heads", $"{config.Heads} of {config.HeadDimension}, {config.KeyValueHeads} for keys and values");
        Row("feed-forward", $"{config.FeedForward}");
        Row("vocabulary", $"{config.Vocabulary}");
        Row("context", $"{config.Context}");
        Row("ends", $"{(config.TiedEnds ? "tied" : "embedding and head")}, {Sizes.Bytes(ends.Bytes)} {ends.FormatText}");
        Row("tokenizer", source.Tokenizer is { } tokenizer ? $"{tokenizer.Kind}, {tokenizer.VocabularySize} tokens" : "none");
        Row("chat template", source.ChatTemplateText is { } template ? $"{template.Length} characters" : "none");
        Row("identity", identity?.Hex ?? "known when all tensors are here: 'swarm pull' brings them");
        context.OutConsole.Write(grid);

        Table table = new() { Border = TableBorder.Simple };
        table.AddColumns("blocks", "bytes each", "formats");
        for (int first = 0; first < blocks.Length;)
        {
            // Equal neighbours make one line.
            int end = first + 1;
            while (end < blocks.Length && blocks[end].Bytes == blocks[first].Bytes && blocks[end].FormatText == blocks[first].FormatText)
                end++;
            table.AddRow(end == first + 1 ? $"{first}" : $"{first}:{end}", Sizes.Bytes(blocks[first].Bytes), Markup.Escape(blocks[first].FormatText));
            first = end;
        }

        context.OutConsole.Write(table);
    }

    private sealed class Part
    {
        private readonly SortedDictionary<string, long> _formats = new(StringComparer.Ordinal);

        public long Bytes { get; private set; }

        public string FormatText => string.Join(", ", _formats.OrderByDescending(pair => pair.Value).Select(pair => pair.Key));

        public void Add(TensorInfo tensor)
        {
            Bytes += tensor.ByteLength;
            _formats[tensor.StoredType] = _formats.GetValueOrDefault(tensor.StoredType) + tensor.ByteLength;
        }

        public void WriteTo(Utf8JsonWriter json)
        {
            json.WriteNumber("bytes", Bytes);
            json.WriteStartObject("formats");
            foreach ((string format, long bytes) in _formats)
                json.WriteNumber(format, bytes);
            json.WriteEndObject();
        }
    }
}
