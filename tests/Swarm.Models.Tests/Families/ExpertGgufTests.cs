using System.Text.Json;
using Swarm.Kernels.Reference;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;
using Swarm.Models.Tests.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests.Families;

/// <summary>Golden models with experts under GGUF's names and layouts give the same expected values.</summary>
public sealed class ExpertGgufTests
{
    [Theory]
    [InlineData("mixtral", false)]
    [InlineData("mixtral", true)]
    [InlineData("qwen3-moe", false)]
    [InlineData("glm4-moe", false)]
    [InlineData("gpt-oss", false)]
    [InlineData("deepseek-v3", false)]
    [InlineData("deepseek-v3", true)]
    public void Forward_FromGguf_LogitsEqualTheReference(string family, bool older)
    {
        using var files = new TemporaryFolder();
        string path = files.Write("model.gguf", ExpertGguf.Write(family, older));
        using var runner = new ModelRunner(path, new ReferenceKernels());
        using SafetensorsFile expected = SafetensorsFile.Open(TestData.Path($"families/{family}/expected.safetensors"));
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(TestData.Path($"families/{family}/expected.json")));
        float[] logits = runner.Logits(Numbers.Ids(json.RootElement, "ids"), 7, 1, 5);
        Numbers.AssertClose(Numbers.Floats(expected, "logits"), logits, 1e-3, "logits");
    }

    [Theory]
    [InlineData("mixtral")]
    [InlineData("qwen3-moe")]
    [InlineData("glm4-moe")]
    [InlineData("gpt-oss")]
    [InlineData("deepseek-v3")]
    public void StoredBytes_OfAllBlocksAndEnds_AreTheWholeFile(string family)
    {
        using var files = new TemporaryFolder();
        foreach (string path in new[] { files.Write("model.gguf", ExpertGguf.Write(family)), TestData.Path($"families/{family}") })
        {
            using ModelSource source = ModelSource.Open(path);
            Assert.Equal(
                source.Tensors.Tensors.Sum(tensor => tensor.ByteLength),
                source.StoredBytes(source.Config.AllBlocks) + source.StoredBytes(Models.Blocks.EndParts.Both));
        }
    }
}
