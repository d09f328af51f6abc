using Swarm.Cli.Framework;
using Swarm.Cli.Generating;
using Swarm.Cli.Scoring;
using Swarm.Client;
using Swarm.Models;

namespace Swarm.Cli.Commands;

/// <summary>Next-token loss of a text in one window, with logits and hidden states on request.</summary>
internal sealed class ScoreCommand : CommandDefinition
{
    private static readonly Setting<string?> Text = new("text", "T", "the text", Values.OptionalText, null, inputOnly: true);

    private static readonly Setting<string?> TextFile =
        new("file", "F", "a file that holds the text; - is stdin", Values.OptionalText, null, inputOnly: true);

    private static readonly Setting<int[]?> Ids = new("ids", "1,2,3", "token ids in place of a text", Values.Integers, null, inputOnly: true);

    private static readonly Setting<string?> Logits =
        new("logits", "OUT.safetensors", "write logits [tokens, vocabulary], float32", Values.OptionalText, null, inputOnly: true);

    private static readonly Setting<bool> Hidden =
        Setting<bool>.Switch("hidden", "with --logits: write hidden.0 … hidden.L [tokens, hidden] as well", inputOnly: true);

    private static readonly Setting<int?> Chunk =
        new("chunk", "N", "positions a pass (default 128)", Values.OptionalInteger(1, 4096), null, inputOnly: true);

    private static readonly Setting<int?> Batch =
        new("batch", "N", "the same text as so many sessions at once, all checked equal", Values.OptionalInteger(1, 64), null, inputOnly: true);

    public override string Name => "score";

    public override string Description => "next-token loss of a text, for measuring";

    public override IReadOnlyList<ISetting> Settings =>
    [
        .. ModelOpening.Settings, Text, TextFile, Ids, Logits, Hidden, Chunk, Batch, CommonSettings.Codec, ModelOpening.RoundAt,
    ];

    public override async Task<int> RunAsync(CommandContext context)
    {
        string? text = context.Get(Text);
        string? file = context.Get(TextFile);
        int[]? ids = context.Get(Ids);
        string? output = context.Get(Logits);
        int sources = new object?[] { text, file, ids }.Count(source => source is not null);
        if (sources != 1)
            throw new UsageException($"{sources} of --text, --file and --ids are given, expected one");
        if (context.Get(Hidden) && output is null)
            throw new UsageException("--hidden writes into the file of --logits, which is not given");

        await using LanguageModel model = await ModelOpening.OpenAsync(context);
        if (ids is null)
        {
            text ??= await context.ReadTextAsync(file!);
            ids = (model.Tokenizer ?? throw new CommandException(nameof(ModelError.UnsupportedModel), $"{model.Name} has no tokenizer; give --ids")).Encode(text, addSpecial: true);
        }

        ScoreOptions options = new()
        {
            Chunk = context.Get(Chunk) ?? 128,
            Batch = context.Get(Batch) ?? 1,
            Codec = ModelOpening.Codec(context),
            RoundAt = context.Get(ModelOpening.RoundAt),
            LogitsPath = output,
            WithHidden = context.Get(Hidden),
        };
        ScoreResult result = await new Scorer(model, options, context.Time).RunAsync(ids, context.Interrupts.Polite);
        if (context.Events is { } events)
        {
            events.Write("done", json =>
            {
                json.WriteNumber("tokens", ids.Length);
                json.WriteStartArray("loss");
                foreach (double loss in result.Loss)
                {
                    if (double.IsFinite(loss))
                        json.WriteNumberValue(loss);
                    else
                        json.WriteNullValue();
                }

                json.WriteEndArray();
                json.WriteFinite("meanLoss", result.MeanLoss);
                json.WriteFinite("perplexity", result.Perplexity);
                json.WriteNumber("seconds", result.Seconds);
                json.WriteString("model", model.Name);
                GenerationEvents.WriteRoute(json, "route", result.Route);
            });
        }
        else
        {
            context.Out.WriteLine($"tokens      {ids.Length}");
            context.Out.WriteLine(FormattableString.Invariant($"mean loss   {result.MeanLoss:F6} nats"));
            context.Out.WriteLine(FormattableString.Invariant($"perplexity  {result.Perplexity:F4}"));
        }

        return ExitCode.Done;
    }
}
