using System.Text;
using System.Text.Json;
using Swarm.Models.Templates;
using Swarm.Models.Templates.Runtime;
using Swarm.Testing;
using Swarm.Testing.Fuzzing;
using Xunit.Abstractions;

namespace Swarm.Models.Tests.Fuzzing;

public sealed class TemplateFuzzTests(ITestOutputHelper output)
{
    /// <summary>Small enough that an input cannot take long, whatever it does; large enough that the seeds do not notice.</summary>
    private static readonly TemplateLimits Limits = new() { Steps = 20_000, OutputChars = 1 << 18, StringChars = 1 << 18, Elements = 10_000 };

    private static readonly string[] Words =
    [
        "{{ ", " }}", "{% ", " %}", "{%- ", " -%}", "{# ", " #}", "{{- ", "if", "else", "elif", "endif", "for", "endfor", "in", "set", "endset", "macro", "endmacro", "is", "not",
        "and", "or", "defined", "none", "true", "range", "namespace", "loop", "loop.index", "messages", "x", "|", ".", ",", "(", ")", "[", "]", "{", "}", ":", "=", "==", "<", "~", "+", "-", "*",
        "**", "/", "//", "%", "0", "1", "-1", "99999999999999999999", "1e308", "'a'", "''", "\"", "'", "\\", "\n", " ", "\u00e9", "\ud83d\ude42", "tojson", "map", "join", "length", "items", "list",
        "'a' * 99999999", "range(99999)", "x|map('upper')", "raise_exception('x')", "namespace(a=1)", "{% for i in range(999) %}", "{% endfor %}", "{% macro x() %}{{ x() }}{% endmacro %}{{ x() }}",
        "{% raw %}", "{% endraw %}", "recursive", "loop(messages)", "caller()", "__class__", "split('')", "[::-1]", "[::0]", "%s", "replace('', 'ab')", "batch(3)", "break", "continue",
    ];

    [Fact]
    public void Template_BrokenInput_FailsOnlyAsPromised() => FuzzCheck.Run(Target(), output);

    private static FuzzTarget Target()
    {
        List<byte[]> seeds = Seeds();
        ChatTemplateInput input = Conversation();
        var text = new TextMutator(Cut, [.. Words, .. Filters.Names.Select(name => "|" + name), .. Swarm.Models.Templates.Runtime.Tests.Names.Select(name => " is " + name)]);
        return new FuzzTarget
        {
            Name = "chat template",
            Seeds = seeds,
            Mutators = [new TemplateGrammar(), text, text, new ByteMutator { MaxLength = 8192 }],
            Parse = bytes =>
            {
                ChatTemplate.Parse(Encoding.UTF8.GetString(bytes), Limits).Render(input);
                return "rendered";
            },
            TypedError = error => error is ModelException model ? model.Error.ToString() : error is TemplateException template ? template.Kind.ToString() : null,
            PassedHeader = (_, error) => error is not ModelException,
        };
    }

    private static List<byte[]> Seeds()
    {
        using JsonDocument features = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("chat-templates/_features.json")));
        using JsonDocument model = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("chat-templates/smollm2.json")));
        IEnumerable<string> valid = features.RootElement.GetProperty("cases").EnumerateArray().Select(@case => @case.GetProperty("template").GetString()!)
            .Append(model.RootElement.GetProperty("template").GetString()!);
        // With other variables than their own, some features fail as they should; a seed must render.
        return [.. valid.Where(Renders).Select(Encoding.UTF8.GetBytes)];
    }

    private static bool Renders(string template)
    {
        try
        {
            ChatTemplate.Parse(template, Limits).Render(Conversation());
            return true;
        }
        catch (Exception error) when (error is ModelException or TemplateException)
        {
            return false;
        }
    }

    private static ChatTemplateInput Conversation()
    {
        JsonElement json = JsonDocument.Parse("""
            {"messages": [{"role": "system", "content": " s "}, {"role": "user", "content": "a\ud83d\ude42"},
              {"role": "assistant", "content": "b", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]}, {"role": "user", "content": [{"type": "text", "text": "c"}]}],
             "variables": {"x": {"a": 1, "b": [1, 2.5, null, true, "z"]}, "l": ["a", "b", "c"], "d": {"k": 1, "B": 2, "items": 3}, "n": 7, "f": false}}
            """).RootElement;
        return new ChatTemplateInput
        {
            Messages = json.GetProperty("messages"),
            Variables = json.GetProperty("variables").EnumerateObject().ToDictionary(member => member.Name, member => member.Value),
            BosToken = "<s>",
            Now = new DateTimeOffset(2026, 11, 20, 9, 5, 7, TimeSpan.Zero),
        };
    }

    /// <summary>Words, numbers, blanks and single signs, the signs of tags together.</summary>
    private static IReadOnlyList<string> Cut(string text)
    {
        var pieces = new List<string>();
        for (int at = 0; at < text.Length;)
        {
            int end = at + 1;
            if (char.IsLetterOrDigit(text[at]) || text[at] == '_')
            {
                while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] == '_'))
                    end++;
            }
            else if (text[at] == '{' || (end < text.Length && text[end] == '}'))
            {
                end = Math.Min(text.Length, at + 2);
            }

            pieces.Add(text[at..end]);
            at = end;
        }

        return pieces;
    }
}
