using System.Text.Json;
using Swarm.Models.Templates;
using Swarm.Testing;

namespace Swarm.Models.Tests.Templates;

/// <summary>Every case of the reference files, to the character; their README says what a case holds.</summary>
public sealed class ChatTemplateGoldenTests
{
    [Fact]
    public void Render_EveryCaseOfTheDefaultModel_EqualsReference() => CheckConversations(TestData.Path("chat-templates/smollm2.json"), 37);

    [Fact]
    public void Render_EveryFeature_EqualsReference()
    {
        using JsonDocument file = Read(TestData.Path("chat-templates/_features.json"));
        var failures = new List<string>();
        int count = 0;
        foreach (JsonElement @case in file.RootElement.GetProperty("cases").EnumerateArray())
        {
            count++;
            string template = @case.GetProperty("template").GetString()!;
            var input = new ChatTemplateInput { Variables = Members(@case.GetProperty("variables")), Now = Now(file.RootElement) };
            Check(@case, template, () => ChatTemplate.Parse(template).Render(input), failures);
        }

        Assert.True(failures.Count == 0, $"{failures.Count} of {count} cases differ:\n{string.Join("\n", failures.Take(20))}");
        Assert.Equal(63, count);
    }

    [SkippableTheory]
    [InlineData("chatglm3", 38)]
    [InlineData("cohereforai-c4ai-command-r-plus-tool_use", 21)]
    [InlineData("cohereforai-c4ai-command-r7b-12-2024-tool_use", 29)]
    [InlineData("command-r-plus-default", 33)]
    [InlineData("command-r-plus-rag", 53)]
    [InlineData("command-r-plus-tool-use", 8)]
    [InlineData("deepseek-ai-deepseek-r1-distill-llama-8b", 38)]
    [InlineData("deepseek-v3", 38)]
    [InlineData("fireworks-ai-llama-3-firefunction-v2", 24)]
    [InlineData("gemma3", 38)]
    [InlineData("google-gemma-2-2b-it", 29)]
    [InlineData("gpt4", 37)]
    [InlineData("ibm-granite-granite-3.3-2b-instruct", 54)]
    [InlineData("internlm2", 37)]
    [InlineData("llama-cpp-deepseek-r1", 38)]
    [InlineData("llama-cpp-rwkv-world", 42)]
    [InlineData("llama3", 20)]
    [InlineData("llama3-2", 55)]
    [InlineData("meetkai-functionary-medium-v3.1", 44)]
    [InlineData("meetkai-functionary-medium-v3.2", 44)]
    [InlineData("meta-llama-llama-3.1-8b-instruct", 55)]
    [InlineData("microsoft-phi-3.5-mini-instruct", 37)]
    [InlineData("mistral-nemo", 27)]
    [InlineData("mistral-small-3.2-24b-instruct-2506", 29)]
    [InlineData("mistralai-mistral-nemo-instruct-2407", 27)]
    [InlineData("moonshotai-kimi-k2", 56)]
    [InlineData("nousresearch-hermes-2-pro-llama-3-8b-tool_use", 17)]
    [InlineData("openai-gpt-oss-120b", 60)]
    [InlineData("qwen-qwq-32b", 49)]
    [InlineData("qwen1-5", 37)]
    [InlineData("qwen2-5", 51)]
    [InlineData("qwen3", 57)]
    [InlineData("unsloth-mistral-devstral-small-2507", 29)]
    public void Render_EveryCaseOfARealTemplate_EqualsReference(string name, int cases) =>
        CheckConversations(TestData.SharedOrSkip($"golden/chat-templates/{name}.json"), cases);

    private static void CheckConversations(string path, int cases)
    {
        using JsonDocument file = Read(path);
        ChatTemplate template = ChatTemplate.Parse(file.RootElement.GetProperty("template").GetString()!);
        var failures = new List<string>();
        int count = 0;
        foreach (JsonElement @case in file.RootElement.GetProperty("cases").EnumerateArray())
        {
            count++;
            ChatTemplateInput input = Input(@case, Now(file.RootElement));
            string name = @case.GetProperty("name").GetString()!;
            Check(@case, name, () => template.Render(input), failures);
            if (@case.TryGetProperty("same_without_generation_prompt", out JsonElement same) && same.GetBoolean())
                Check(@case, name + " without generation prompt", () => template.Render(input with { AddGenerationPrompt = false }), failures);
        }

        Assert.True(failures.Count == 0, $"{failures.Count} of {count} cases differ:\n{string.Join("\n", failures.Take(10))}");
        Assert.Equal(cases, count);
    }

    private static void Check(JsonElement @case, string name, Func<string> render, List<string> failures)
    {
        string? actual = null, kind = null, message = null;
        try
        {
            actual = render();
        }
        catch (TemplateException error)
        {
            (kind, message) = (error.Kind.ToString(), error.Message);
        }
        catch (ModelException error)
        {
            (kind, message) = (error.Error.ToString(), error.Message);
        }

        if (@case.TryGetProperty("expected", out JsonElement expected))
        {
            if (actual != expected.GetString())
                failures.Add($"{name}\n  expected {expected.GetRawText()}\n  got      {(actual is null ? $"{kind}: {message}" : JsonSerializer.Serialize(actual))}");
            return;
        }

        JsonElement error_ = @case.GetProperty("error");
        bool raised = error_.GetProperty("kind").GetString() == "raise_exception";
        bool agrees = actual is null && (raised ? kind == nameof(TemplateErrorKind.RaiseException) && message == error_.GetProperty("message").GetString() : kind != nameof(TemplateErrorKind.LimitExceeded));
        if (!agrees)
            failures.Add($"{name}\n  expected {error_.GetRawText()}\n  got      {(actual is null ? $"{kind}: {message}" : JsonSerializer.Serialize(actual))}");
    }

    private static ChatTemplateInput Input(JsonElement @case, DateTimeOffset now) => new()
    {
        Messages = @case.GetProperty("messages"),
        Tools = @case.TryGetProperty("tools", out JsonElement tools) ? tools : null,
        Variables = @case.TryGetProperty("variables", out JsonElement variables) ? Members(variables) : null,
        AddGenerationPrompt = @case.TryGetProperty("add_generation_prompt", out JsonElement add) && add.GetBoolean(),
        ContinueFinalMessage = @case.TryGetProperty("continue_final_message", out JsonElement continues) && continues.GetBoolean(),
        BosToken = @case.GetProperty("bos_token").GetString(),
        EosToken = @case.GetProperty("eos_token").GetString(),
        Now = now,
    };

    private static Dictionary<string, JsonElement> Members(JsonElement element) => element.EnumerateObject().ToDictionary(member => member.Name, member => member.Value);

    private static DateTimeOffset Now(JsonElement file) =>
        new(DateTime.Parse(file.GetProperty("now").GetString()!, System.Globalization.CultureInfo.InvariantCulture), TimeSpan.Zero);

    private static JsonDocument Read(string path) => JsonDocument.Parse(File.ReadAllBytes(path));
}
