using Swarm.Cli.Framework;
using Swarm.Cli.Measuring;
using Swarm.Client;
using Swarm.Models;

namespace Swarm.Cli.Commands;

/// <summary>What each codec costs on the way, and what it does to the text, against the entropy of what it sends.</summary>
internal sealed class BenchWireCommand : CommandDefinition
{
    private static readonly Setting<string?> TextFile =
        new("file", "TEXT", "a file that holds the text (default: prose that comes with the program); - is stdin", Values.OptionalText, null, inputOnly: true);

    private static readonly Setting<int> Tokens = new("tokens", "N", "tokens of the text at most (default 3072)", Values.Integer(2, 1 << 20), 3072);

    private static readonly Setting<int[]?> RoundAt =
        new("round-at", "A,B", "boundaries that the codecs are applied at (default: a third and two thirds of the blocks)", Values.Integers, null, inputOnly: true);

    private static readonly Setting<bool> Stored = Setting<bool>.Switch("stored", "compute with the weights as stored, whose kernels round what they multiply", inputOnly: true);

    public override string Name => "wire";

    public override string Description => "size, error and time of the codecs of hidden states";

    public override IReadOnlyList<ISetting> Settings => [CommonSettings.Model, CommonSettings.Threads, TextFile, Tokens, RoundAt, Stored];

    public override async Task<int> RunAsync(CommandContext context)
    {
        // Kernels for quantized weights round activations to 8 bits, which makes of any difference, even float16's, one of about 0.003 nats: it would hide the codecs'.
        ModelSource source = await context.OpenModelAsync();
        await using LocalModel model = await ModelOpening.LoadLocalAsync(context, context.Get(Stored) ? source : source.InFloat32());
        int blocks = model.Config.Blocks;
        int[] boundaries = context.Get(RoundAt) ?? [.. new[] { blocks / 3, 2 * blocks / 3 }.Distinct().Where(boundary => boundary > 0)];
        if (boundaries.Any(boundary => boundary < 0 || boundary > blocks) || boundaries.Zip(boundaries.Skip(1)).Any(pair => pair.First >= pair.Second))
            throw new UsageException($"--round-at: {string.Join(',', boundaries)}, expected ascending, 0 to {blocks}");
        string text = context.Get(TextFile) is { } file ? await context.ReadTextAsync(file) : Prose.Text;
        int[] ids = ModelOpening.RequireTokenizer(model).Encode(text, addSpecial: true);
        if (ids.Length < 2)
            throw new CommandException(nameof(ModelError.InvalidArgument), $"text: {ids.Length} tokens, expected at least 2");
        ids = ids[..Math.Min(ids.Length, context.Get(Tokens))];
        CodecFigures[] codecs = await new WireProbe(model, boundaries, context.Time).RunAsync(
            ids, (done, of) => context.Error.WriteLine($"{done} of {of} tokens"), context.Interrupts.Polite);
        if (context.Events is { } events)
            WriteEvent(events, model, boundaries, ids.Length, codecs);
        else
            WriteTable(context, model, boundaries, ids.Length, codecs);
        return ExitCode.Done;
    }

    private static void WriteEvent(EventWriter events, LocalModel model, int[] boundaries, int tokens, CodecFigures[] codecs) => events.Write("done", json =>
    {
        json.WriteString("model", model.Name);
        json.WriteNumber("tokens", tokens);
        json.WriteStartArray("roundingPoints");
        foreach (int boundary in boundaries)
            json.WriteNumberValue(boundary);
        json.WriteEndArray();
        json.WriteStartArray("codecs");
        foreach (CodecFigures codec in codecs)
        {
            json.WriteStartObject();
            json.WriteString("name", codec.Name);
            json.WriteFinite("bytesPerValue", codec.BytesPerValue);
            json.WriteFinite("bytesPerValueAlone", codec.BytesPerValueAlone);
            json.WriteFinite("entropyBytesPerValue", codec.EntropyBytesPerValue);
            json.WriteFinite("perplexity", codec.Perplexity);
            json.WriteFinite("perplexityChange", codec.PerplexityChange);
            json.WriteFinite("klNats", codec.KlNats);
            json.WriteFinite("sameChoice", codec.SameChoice);
            json.WriteFinite("encodeSecondsPerValue", codec.EncodeSecondsPerValue);
            json.WriteFinite("decodeSecondsPerValue", codec.DecodeSecondsPerValue);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static void WriteTable(CommandContext context, LocalModel model, int[] boundaries, int tokens, CodecFigures[] codecs)
    {
        context.Out.WriteLine($"{model.Name}, {tokens} tokens, rounded at {string.Join(" and ", boundaries)}; bytes with every header, in packets of {WireProbe.PacketTokens} tokens and of one");
        context.Out.WriteLine("codec      bytes/value    alone   entropy   perplexity    change    KL nats   same choice   encode ns   decode ns");
        foreach (CodecFigures codec in codecs)
        {
            string entropy = double.IsNaN(codec.EntropyBytesPerValue) ? "" : FormattableString.Invariant($"{codec.EntropyBytesPerValue:F4}");
            context.Out.WriteLine(FormattableString.Invariant(
                $"{codec.Name,-10} {codec.BytesPerValue,11:F4} {codec.BytesPerValueAlone,8:F4} {entropy,9} {codec.Perplexity,12:F4} {codec.PerplexityChange * 100,7:F3} % {codec.KlNats,10:F6} {codec.SameChoice * 100,11:F2} % {codec.EncodeSecondsPerValue * 1e9,11:F2} {codec.DecodeSecondsPerValue * 1e9,11:F2}"));
        }
    }
}
