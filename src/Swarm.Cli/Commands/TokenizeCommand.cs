using System.Text.Json;
using Swarm.Cli.Framework;
using Swarm.Cli.Tokenizing;
using Swarm.Models;

namespace Swarm.Cli.Commands;

/// <summary>Text to ids and back, conversations to text, one of them or one a line.</summary>
internal sealed class TokenizeCommand : CommandDefinition
{
    private static readonly Setting<string?> Text =
        new("text", "T", "the text", Values.OptionalText, null, inputOnly: true);

    private static readonly Setting<string?> TextFile =
        new("file", "F", "a file that holds the text; - is stdin", Values.OptionalText, null, inputOnly: true);

    private static readonly Setting<string?> Chat =
        new("chat", "FILE.json", "a file with messages, rendered by the model's template; - is stdin", Values.OptionalText, null, inputOnly: true);

    private static readonly Setting<int[]?> Decode =
        new("decode", "1,2,3", "ids to turn into text", Values.Integers, null, inputOnly: true);

    private static readonly Setting<bool> Special =
        Setting<bool>.Switch("special", "add what the tokenizer's own template adds", inputOnly: true);

    private static readonly Setting<bool> Lines =
        Setting<bool>.Switch("lines", "read one JSON object a line (text, messages or ids) and answer one a line", inputOnly: true);

    public override string Name => "tokenize";

    public override string Description => "token ids of a text and back";

    public override IReadOnlyList<ISetting> Settings => [CommonSettings.Model, Text, TextFile, Chat, Decode, Special, Lines];

    public override async Task<int> RunAsync(CommandContext context)
    {
        string? text = context.Get(Text);
        string? file = context.Get(TextFile);
        string? chat = context.Get(Chat);
        int[]? ids = context.Get(Decode);
        bool lines = context.Get(Lines);
        int sources = new object?[] { text, lines ? null : file, chat, ids, lines ? "" : null }.Count(source => source is not null);
        if (sources != 1)
            throw new UsageException($"{sources} of --text, --file, --chat, --decode and --lines are given, expected one");

        using ModelSource source = await context.OpenModelAsync();
        LineTokenizer tokenizer = new(source, context.Time, context.Get(Special));
        if (lines)
            return await RunLinesAsync(context, tokenizer, file);

        LineAnswer answer;
        if (ids is not null)
            answer = tokenizer.Decode(ids);
        else if (chat is not null)
            answer = tokenizer.Render(ParseChat(await context.ReadTextAsync(chat), chat));
        else
            answer = tokenizer.Encode(text ?? await context.ReadTextAsync(file!));

        if (context.Events is { } events)
        {
            events.Write("done", answer.WriteTo);
        }
        else
        {
            if (chat is not null || ids is not null)
                context.Out.WriteLine(answer.Text);
            if (ids is null)
                context.Out.WriteLine(string.Join(',', answer.Ids ?? []));
        }

        return ExitCode.Done;
    }

    private static JsonElement ParseChat(string json, string file)
    {
        try
        {
            JsonElement chat = JsonElement.Parse(json);

            // A file may hold the bare array of messages.
            return chat.ValueKind == JsonValueKind.Array ? JsonElement.Parse($"{{\"messages\":{json}}}") : chat;
        }
        catch (JsonException e)
        {
            throw new CommandException("InvalidArgument", $"{file}: not JSON: {e.Message}", inner: e);
        }
    }

    private static async Task<int> RunLinesAsync(CommandContext context, LineTokenizer tokenizer, string? file)
    {
        // Lines are events whether or not --json is given: the form belongs to the input.
        EventWriter events = context.Events ?? new EventWriter(context.Host.Output);
        using StreamReader reader = file is null or "-" ? context.OpenInput() : new StreamReader(file);
        int count = 0;
        int errors = 0;
        while (await reader.ReadLineAsync(context.Interrupts.Polite) is { } line)
        {
            LineAnswer answer = tokenizer.Answer(line);
            int index = count++;
            if (answer.ErrorKind is not null)
                errors++;
            events.Write("line", json =>
            {
                json.WriteNumber("index", index);
                answer.WriteTo(json);
            });
        }

        events.Write("done", json =>
        {
            json.WriteNumber("lines", count);
            json.WriteNumber("errors", errors);
        });
        return ExitCode.Done;
    }
}
