using System.Text.Json;
using System.Text.RegularExpressions;
using Swarm.Cli.Inspecting;
using Swarm.Kernels;
using Swarm.Models;
using Swarm.Models.Files;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Cli.Tests;

public sealed class InspectTests
{
    [Fact]
    public async Task Inspect_DefaultModel_TellsSizesBlocksAndIdentity()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["inspect", "--json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        JsonElement done = result.Last();
        Assert.Equal("smollm2-135m-instruct", done.GetProperty("name").GetString());
        Assert.Equal("llama", done.GetProperty("family").GetString());
        Assert.Equal(134_515_008, done.GetProperty("parameters").GetInt64());
        Assert.Equal(30, done.GetProperty("blocks").GetArrayLength());
        Assert.Equal(2_216_448, done.GetProperty("blocks")[29].GetProperty("bytes").GetInt64());
        Assert.Matches("^[0-9a-f]{64}$", done.GetProperty("identity").GetString());
    }

    /// <summary>Every family of the reference data, and no other.</summary>
    public static TheoryData<string> Families => [.. Directory.GetDirectories(TestData.Path("families")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Families))]
    public void Inspect_GoldenFamily_TellsItsBlocksAndBytes(string family)
    {
        string folder = TestData.Path($"families/{family}");
        Dictionary<int, long> expected = BytesByBlock(Path.Combine(folder, "model.safetensors"));
        using ModelSource source = ModelSource.Open(folder).WithWeights(WeightFormat.Q8_0);
        using var written = new MemoryStream();
        using (var json = new Utf8JsonWriter(written))
        {
            json.WriteStartObject();
            InspectionJson.Write(json, ModelInspection.Make(source, "canonical-1", CancellationToken.None), "canonical-1");
            json.WriteEndObject();
        }

        using JsonDocument document = JsonDocument.Parse(written.ToArray());
        JsonElement done = document.RootElement;
        JsonElement[] blocks = [.. done.GetProperty("blocks").EnumerateArray()];
        Assert.Equal(expected.Where(pair => pair.Key >= 0).OrderBy(pair => pair.Key).Select(pair => pair.Value), blocks.Select(block => block.GetProperty("bytes").GetInt64()));
        Assert.Equal(expected[-1], done.GetProperty("ends").GetProperty("bytes").GetInt64());
        Assert.Equal(expected.Values.Sum(), done.GetProperty("bytes").GetInt64());
        Assert.Equal("q8_0", done.GetProperty("weights").GetString());
        Assert.True(done.GetProperty("heldBytes").GetInt64() < done.GetProperty("bytes").GetInt64());
        Assert.Matches("^[0-9a-f]{64}$", done.GetProperty("identity").GetString());
        string name = done.GetProperty("family").GetString()!;
        Assert.StartsWith(name, family, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_Text_TellsWeightsExpertsAndBlocks()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["inspect", "--model", TestData.Path("families/mixtral"), "--weights", "q4_0"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("4 of 96, 2 a token", result.Output, StringComparison.Ordinal);
        Assert.Contains("q4_0 when loaded", result.Output, StringComparison.Ordinal);
        Assert.Matches("0:3 .*F32 .*Q4_0, F32", result.Output);
    }

    [Fact]
    public async Task Inspect_ShardThatIsNotHere_TellsWhatItCanAndWhatIsMissing()
    {
        using TemporaryFolder folder = new();
        foreach (string name in new[] { "config.json", "model.safetensors" })
            File.Copy(TestData.Path($"families/llama/{name}"), folder.File(name == "config.json" ? name : "a.safetensors"));
        using (SafetensorsFile file = SafetensorsFile.Open(folder.File("a.safetensors")))
        {
            IEnumerable<string> map = file.Tensors.Select(tensor => $"\"{tensor.Name}\":\"a.safetensors\"").Append("\"model.layers.9.x\":\"b.safetensors\"");
            File.WriteAllText(folder.File("model.safetensors.index.json"), "{\"weight_map\":{" + string.Join(',', map) + "}}");
        }

        SwarmResult result = await SwarmProcess.RunAsync(["inspect", "--model", folder.Path, "--json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        JsonElement done = result.Last();
        Assert.Equal(JsonValueKind.Null, done.GetProperty("identity").ValueKind);
        Assert.Contains("b.safetensors", done.GetProperty("missing").GetString(), StringComparison.Ordinal);
        Assert.Equal(4, done.GetProperty("blocks").GetArrayLength());
    }

    [Fact]
    public async Task Inspect_UnknownWeights_IsUsage()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["inspect", "--weights", "q3_k"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("q8_0 or q4_0", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_ModelThatIsNotThere_NamesItAndWhereItWasSought()
    {
        SwarmResult result = await SwarmProcess.RunAsync(["inspect", "--model", "gpt-17", "--json"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("ModelNotFound", result.Last().GetProperty("code").GetString());
        Assert.Contains("gpt-17", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Inspect_TruncatedFile_IsCorrupt()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("cut.gguf");
        using (FileStream whole = File.OpenRead(TestData.DefaultModelFile))
        using (FileStream cut = File.Create(path))
        {
            byte[] head = new byte[4 << 20];
            whole.ReadExactly(head);
            cut.Write(head);
        }

        SwarmResult result = await SwarmProcess.RunAsync(["inspect", "--model", path, "--json"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("CorruptModel", result.Last().GetProperty("code").GetString());
    }

    // By the first number in a tensor's name; -1 for those without.
    private static Dictionary<int, long> BytesByBlock(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        var bytes = new Dictionary<int, long>();
        foreach (TensorInfo tensor in file.Tensors)
        {
            Match number = Regex.Match(tensor.Name, @"\.(\d+)\.");
            int block = number.Success ? int.Parse(number.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : -1;
            bytes[block] = bytes.GetValueOrDefault(block) + tensor.ByteLength;
        }

        return bytes;
    }
}
