using System.Text;
using System.Text.Json;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Cli.Tests;

public sealed class TokenizeTests
{
    [Fact]
    public async Task Text_GivesIds_AndBack()
    {
        SwarmResult ids = await SwarmProcess.RunAsync(["tokenize", "--text", "Hello, world!"]);
        Assert.Equal("19556,28,905,17\n", ids.Output);
        SwarmResult text = await SwarmProcess.RunAsync(["tokenize", "--decode", "19556,28,905,17"]);
        Assert.Equal("Hello, world!\n", text.Output);
    }

    [Fact]
    public async Task TextFromStdin_OutsideAscii_IsUtf8BothWays()
    {
        SwarmResult encoded = await SwarmProcess.RunAsync(["tokenize", "--file", "-", "--json"], "naïve 日本語 🙂");
        JsonElement done = encoded.Last();
        Assert.Equal("naïve 日本語 🙂", done.GetProperty("text").GetString());
        SwarmResult decoded = await SwarmProcess.RunAsync(["tokenize", "--decode", done.GetProperty("ids").GetRawText()]);
        Assert.Equal("naïve 日本語 🙂\n", decoded.Output);
    }

    [SkippableFact]
    public async Task Lines_GoldenTextsAndChats_AreExact()
    {
        string path = TestData.SharedOrSkip("golden/smollm2/tokenizer.json");
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(path));
        StringBuilder input = new();
        List<string> expected = [];
        foreach (JsonElement text in golden.RootElement.GetProperty("texts").EnumerateArray())
        {
            input.Append(Line(json => text.GetProperty("text").WriteTo(json), "text"));
            expected.Add(text.GetProperty("ids").GetRawText());
            input.Append(Line(json => text.GetProperty("ids").WriteTo(json), "ids"));
            expected.Add(text.GetProperty("decoded").GetRawText());
        }

        foreach (JsonElement chat in golden.RootElement.GetProperty("chats").EnumerateArray())
        {
            input.Append(Line(json => chat.GetProperty("messages").WriteTo(json), "messages"));
            expected.Add(chat.GetProperty("ids").GetRawText());
        }

        SwarmResult result = await SwarmProcess.RunAsync(["tokenize", "--lines", "--json"], input.ToString());
        Assert.True(result.ExitCode == 0, result.Error);
        IReadOnlyList<JsonElement> events = result.ParseEvents();
        Assert.Equal(expected.Count + 1, events.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(i, events[i].GetProperty("index").GetInt32());
            JsonElement answer = expected[i].StartsWith('[') ? events[i].GetProperty("ids") : events[i].GetProperty("text");
            Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected[i]), answer), $"line {i}: {answer}, expected {expected[i]}");
        }
    }

    [Fact]
    public async Task Lines_BadOnesBetweenGoodOnes_AreAnsweredAndTheRestGoesOn()
    {
        string input = """
            {"text":"Hello"}
            not json
            {"text":5}
            {"ids":[99999999]}
            {"template":"{{ raise_exception('no') }}","variables":{}}
            {"template":"{% nonsense","variables":{}}
            {"tetx":"Hello"}
            {"template":"{{ x }}-{{ bos_token is defined }}","variables":{"x":1}}
            {"messages":[],"template":"{{ bos_token is defined }}{{ eos_token }}{{ tools is none }}{{ strftime_now('%Y') }}","bosToken":null,"tools":null,"now":"2026-11-20T09:05:07"}
            {"text":"Hello"}

            """;
        SwarmResult result = await SwarmProcess.RunAsync(["tokenize", "--lines", "--json"], input);
        Assert.True(result.ExitCode == 0, result.Error);
        IReadOnlyList<JsonElement> events = result.ParseEvents();
        Assert.Equal(11, events.Count);
        string[] kinds = [.. events.Take(10).Select(e => e.TryGetProperty("error", out JsonElement error) ? error.GetProperty("kind").GetString()! : "")];
        Assert.Equal(["", "InvalidJson", "InvalidArgument", "InvalidArgument", "raise_exception", "CorruptModel", "InvalidArgument", "", "", ""], kinds);
        Assert.Equal("no", events[4].GetProperty("error").GetProperty("message").GetString());
        Assert.Contains("text", events[6].GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("1-False", events[7].GetProperty("text").GetString());
        Assert.Equal("False<|im_end|>True2026", events[8].GetProperty("text").GetString());
        Assert.Equal(events[0].GetProperty("ids").GetRawText(), events[9].GetProperty("ids").GetRawText());
        Assert.Equal("done", events[10].GetProperty("event").GetString());
    }

    [Theory]
    [InlineData("0 of --text")]
    [InlineData("2 of --text", "--text", "a", "--decode", "1")]
    [InlineData("--decode: '1,x', expected integers", "--decode", "1,x")]
    public async Task Sources_NotExactlyOne_IsUsage(string expected, params string[] arguments)
    {
        SwarmResult result = await SwarmProcess.RunAsync(["tokenize", .. arguments]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
    }

    private static string Line(Action<Utf8JsonWriter> value, string name)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            json.WritePropertyName(name);
            value(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }
}
