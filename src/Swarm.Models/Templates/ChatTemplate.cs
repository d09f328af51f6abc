using System.Buffers;
using System.Text.Json;
using Swarm.Models.Templates.Runtime;
using Swarm.Models.Templates.Syntax;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates;

/// <summary>
/// A model's chat template: Jinja as <c>apply_chat_template</c> of transformers sets it up (trim_blocks, lstrip_blocks, loop controls, its own
/// <c>tojson</c>, <c>raise_exception</c>, <c>strftime_now</c>, an immutable sandbox). Immutable and safe to use from several threads.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>What is appended to the last answer to find, in the rendered text, where it ends.</summary>
    private const string ContinueTag = "CONTINUE_FINAL_MESSAGE_TAG ";

    private readonly IReadOnlyList<Statement> _statements;
    private readonly TemplateLimits _limits;

    private ChatTemplate(string source, IReadOnlyList<Statement> statements, TemplateLimits limits)
    {
        Source = source;
        _statements = statements;
        _limits = limits;
    }

    /// <summary>The template as it was given.</summary>
    public string Source { get; }

    /// <summary>Parses a template.</summary>
    /// <exception cref="ModelException">
    /// <see cref="ModelError.CorruptModel"/>: a syntax error, or over a limit. <see cref="ModelError.UnsupportedModel"/>: a tag, filter or test that does
    /// not exist here. Both name the line.
    /// </exception>
    public static ChatTemplate Parse(string source, TemplateLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        limits ??= TemplateLimits.Default;
        return new ChatTemplate(source, TemplateParser.Parse(source, limits), limits);
    }

    /// <summary>Renders a conversation.</summary>
    /// <exception cref="TemplateException">The template refused the conversation, failed, or went over a limit.</exception>
    public string Render(ChatTemplateInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var context = new RenderContext(_limits, input.Now.DateTime);
        Dictionary<string, Value> variables = Variables(context, input);
        if (!input.ContinueFinalMessage)
            return new Renderer(context).Render(_statements, variables);
        variables["messages"] = TagFinalMessage(context, variables.GetValueOrDefault("messages"));
        return CutAtTag(new Renderer(context).Render(_statements, variables));
    }

    /// <summary>Renders a conversation of plain text.</summary>
    /// <inheritdoc cref="Render(ChatTemplateInput)"/>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt = true, string? bosToken = null, string? eosToken = null, DateTimeOffset now = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            foreach (ChatMessage message in messages)
            {
                writer.WriteStartObject();
                writer.WriteString("role", message.Role);
                writer.WriteString("content", message.Content);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        using JsonDocument document = JsonDocument.Parse(buffer.WrittenMemory);
        return Render(new ChatTemplateInput
        {
            Messages = document.RootElement,
            AddGenerationPrompt = addGenerationPrompt,
            BosToken = bosToken,
            EosToken = eosToken,
            Now = now,
        });
    }

    private static Dictionary<string, Value> Variables(RenderContext context, ChatTemplateInput input)
    {
        var variables = new Dictionary<string, Value>(StringComparer.Ordinal);
        if (input.BosToken is not null)
            variables["bos_token"] = new StringValue(input.BosToken);
        if (input.EosToken is not null)
            variables["eos_token"] = new StringValue(input.EosToken);
        if (input.Messages is { } messages)
        {
            variables["messages"] = Prepare(JsonInput.Convert(context, messages));
            variables["tools"] = input.Tools is { } tools ? JsonInput.Convert(context, tools) : NoneValue.Instance;
            variables["documents"] = input.Documents is { } documents ? JsonInput.Convert(context, documents) : NoneValue.Instance;
            variables["add_generation_prompt"] = BoolValue.Of(input.AddGenerationPrompt && !input.ContinueFinalMessage);
        }

        foreach ((string name, JsonElement value) in input.Variables ?? new Dictionary<string, JsonElement>())
            variables[name] = JsonInput.Convert(context, value);
        return variables;
    }

    /// <summary>
    /// What transformers does to messages before a template sees them: a content of null is no content, and thoughts are found under both of
    /// the names in use for them.
    /// </summary>
    private static Value Prepare(Value messages) =>
        messages is ListValue list ? new ListValue([.. list.Items.Select(item => item is DictValue message ? Prepare(message) : item)]) : messages;

    private static DictValue Prepare(DictValue message)
    {
        bool hasNullContent = message.Find("content") is NoneValue;
        Value? reasoning = message.Find("reasoning_content"), thinking = message.Find("thinking");
        if (!hasNullContent && (reasoning is null) == (thinking is null))
            return message;
        var entries = new OrderedDictionary<Value, Value>(message.Entries, ValueComparer.Instance);
        if (hasNullContent)
            entries.Remove(new StringValue("content"));
        if (reasoning is not null)
            entries.TryAdd(new StringValue("thinking"), reasoning);
        if (thinking is not null)
            entries.TryAdd(new StringValue("reasoning_content"), thinking);
        return new DictValue(entries);
    }

    /// <summary>The messages with the tag behind the last one's text, or behind the last text part of its content.</summary>
    private static ListValue TagFinalMessage(RenderContext context, Value? messages)
    {
        if (messages is not ListValue { Items: [.., DictValue last] } list)
            throw NothingToContinue();
        Value tagged = last.Find("content") switch
        {
            StringValue text => context.Text(text.Text + ContinueTag),
            ListValue parts => TagLastText(context, parts),
            _ => throw NothingToContinue(),
        };
        return new ListValue([.. list.Items.Take(list.Items.Count - 1), With(last, "content", tagged)]);
    }

    private static ListValue TagLastText(RenderContext context, ListValue parts)
    {
        for (int i = parts.Items.Count - 1; i >= 0; i--)
        {
            if (parts.Items[i] is DictValue part && part.Find("text") is StringValue text)
                return new ListValue([.. parts.Items.Select((item, index) => index == i ? With(part, "text", context.Text(text.Text + ContinueTag)) : item)]);
        }

        throw NothingToContinue();
    }

    private static DictValue With(DictValue dict, string key, Value value) =>
        new(new OrderedDictionary<Value, Value>(dict.Entries, ValueComparer.Instance) { [new StringValue(key)] = value });

    private static TemplateException NothingToContinue() => new(TemplateErrorKind.InvalidInput, "the last message has no text to continue");

    private static string CutAtTag(string text)
    {
        string bare = ContinueTag.TrimEnd();
        int at = text.LastIndexOf(bare, StringComparison.Ordinal);
        if (at < 0)
            throw new TemplateException(TemplateErrorKind.InvalidInput, "the last message cannot be continued: the template does not print its text");
        // Without the blank behind it the template has trimmed the text, and so would have trimmed what now stands before the tag.
        return text.AsSpan(at).StartsWith(ContinueTag) ? text[..at] : PyText.TrimEnd(text.AsSpan(0, at)).ToString();
    }
}
