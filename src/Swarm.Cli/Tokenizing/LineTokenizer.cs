using System.Globalization;
using System.Text.Json;
using Swarm.Models;
using Swarm.Models.Templates;
using Swarm.Models.Tokenizers;

namespace Swarm.Cli.Tokenizing;

/// <summary>Answers the requests of <c>tokenize</c>; a request that cannot be answered gives an error, never an exception.</summary>
internal sealed class LineTokenizer(ModelSource source, TimeProvider time, bool addSpecial)
{
    private static readonly HashSet<string> KnownMembers = new(StringComparer.Ordinal)
    {
        "text", "special", "ids", "messages", "tools", "documents", "addGenerationPrompt", "continueFinalMessage", "variables", "template", "bosToken",
        "eosToken", "now",
    };

    private string? _templateText;
    private ChatTemplate? _template;

    public LineAnswer Encode(string text) => new(text, RequireTokenizer().Encode(text, addSpecial));

    public LineAnswer Decode(int[] ids) => new(RequireTokenizer().Decode(ids), ids);

    /// <summary>Renders a conversation, or a bare template; ids follow where the model has a tokenizer.</summary>
    public LineAnswer Render(JsonElement request)
    {
        string template = OptionalText(request, "template")
            ?? source.ChatTemplateText ?? throw new ModelException(ModelError.UnsupportedModel, $"{source.Name} has no chat template");
        string text = ParseTemplate(template).Render(ReadInput(request));
        return new LineAnswer(text, source.Tokenizer?.Encode(text));
    }

    public LineAnswer Answer(string line)
    {
        try
        {
            JsonElement request = JsonElement.Parse(line);
            if (request.ValueKind != JsonValueKind.Object)
                throw Invalid($"a line is {request.ValueKind}, expected an object");
            foreach (JsonProperty member in request.EnumerateObject())
            {
                if (!KnownMembers.Contains(member.Name))
                    throw Invalid($"unknown member '{member.Name}', expected one of {string.Join(", ", KnownMembers)}");
            }

            if (request.TryGetProperty("messages", out _) || request.TryGetProperty("template", out _))
                return Render(request);
            if (request.TryGetProperty("ids", out JsonElement ids))
                return Decode(ReadIds(ids));
            string text = OptionalText(request, "text") ?? throw Invalid("no text, messages, ids or template in the line");
            return new LineAnswer(text, RequireTokenizer().Encode(text, OptionalBoolean(request, "special") ?? addSpecial));
        }
        catch (JsonException e)
        {
            return new LineAnswer(null, null, "InvalidJson", e.Message);
        }
        catch (TemplateException e)
        {
            return new LineAnswer(null, null, e.Kind == TemplateErrorKind.RaiseException ? "raise_exception" : e.Kind.ToString(), e.Message);
        }
        catch (ModelException e)
        {
            return new LineAnswer(null, null, e.Error.ToString(), e.Message);
        }
        catch (InvalidOperationException e)
        {
            // JSON text with half a surrogate pair.
            return new LineAnswer(null, null, nameof(ModelError.InvalidArgument), e.Message);
        }
    }

    private static ModelException Invalid(string message) => new(ModelError.InvalidArgument, message);

    private static int[] ReadIds(JsonElement ids)
    {
        if (ids.ValueKind != JsonValueKind.Array)
            throw Invalid($"ids is {ids.ValueKind}, expected an array of integers");
        int[] values = new int[ids.GetArrayLength()];
        int i = 0;
        foreach (JsonElement id in ids.EnumerateArray())
        {
            if (id.ValueKind != JsonValueKind.Number || !id.TryGetInt32(out values[i]))
                throw Invalid($"ids[{i}] is {id.GetRawText()}, expected an integer");
            i++;
        }

        return values;
    }

    private static string? OptionalText(JsonElement request, string name)
    {
        if (!request.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Invalid($"{name} is {value.ValueKind}, expected text");
    }

    private static bool? OptionalBoolean(JsonElement request, string name)
    {
        if (!request.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Invalid($"{name} is {value.ValueKind}, expected true or false");
    }

    private static JsonElement? OptionalElement(JsonElement request, string name) =>
        request.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private Tokenizer RequireTokenizer() =>
        source.Tokenizer ?? throw new ModelException(ModelError.UnsupportedModel, $"{source.Name} has no tokenizer");

    private ChatTemplate ParseTemplate(string text)
    {
        if (_template is null || _templateText != text)
        {
            _template = ChatTemplate.Parse(text);
            _templateText = text;
        }

        return _template;
    }

    private ChatTemplateInput ReadInput(JsonElement request)
    {
        Dictionary<string, JsonElement> variables = new(StringComparer.Ordinal);
        if (OptionalElement(request, "variables") is { } given)
        {
            if (given.ValueKind != JsonValueKind.Object)
                throw Invalid($"variables is {given.ValueKind}, expected an object");
            foreach (JsonProperty variable in given.EnumerateObject())
                variables[variable.Name] = variable.Value;
        }

        JsonElement? messages = OptionalElement(request, "messages");
        if (messages is { ValueKind: not JsonValueKind.Array } wrong)
            throw Invalid($"messages is {wrong.ValueKind}, expected an array");
        bool hasMessages = messages is not null;
        return new ChatTemplateInput
        {
            Messages = messages,
            Tools = OptionalElement(request, "tools"),
            Documents = OptionalElement(request, "documents"),
            Variables = variables,
            AddGenerationPrompt = OptionalBoolean(request, "addGenerationPrompt") ?? true,
            ContinueFinalMessage = OptionalBoolean(request, "continueFinalMessage") ?? false,
            BosToken = TokenText(request, "bosToken", hasMessages ? source.Tokenizer?.SpecialTokens.Bos : null),
            EosToken = TokenText(request, "eosToken", hasMessages ? source.Tokenizer?.SpecialTokens.Eos : null),
            Now = ReadNow(request),
        };
    }

    private string? TokenText(JsonElement request, string name, int? own)
    {
        // Given as null is another thing than not given: the name is undefined in the template then.
        if (request.TryGetProperty(name, out _))
            return OptionalText(request, name);
        return own is { } id ? source.Tokenizer!.TokenText(id) : null;
    }

    private DateTimeOffset ReadNow(JsonElement request)
    {
        if (OptionalText(request, "now") is not { } text)
            return time.GetLocalNow();
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset now)
            ? now
            : throw Invalid($"now is '{text}', expected a time such as 2026-07-29T10:00:00Z");
    }
}
