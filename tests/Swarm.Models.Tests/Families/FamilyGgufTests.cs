using System.Text.Json;
using Swarm.Kernels.Reference;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;
using Swarm.Models.Tests.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests.Families;

/// <summary>The small models once more, laid out as GGUF files: the same values must come out.</summary>
public sealed class FamilyGgufTests
{
    private const double Tolerance = 1e-3;

    public static TheoryData<string> Families => [.. GgufLayout.Names];

    [Theory]
    [MemberData(nameof(Families))]
    public void Forward_LaidOutAsGguf_LogitsEqualTheReference(string family)
    {
        string folder = TestData.Path($"families/{family}");
        using var place = new TemporaryFolder();
        using var runner = new ModelRunner(place.Write("model.gguf", GgufLayout.Convert(family, folder)), new ReferenceKernels());
        using SafetensorsFile expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));

        float[] logits = runner.Logits(Numbers.Ids(json.RootElement, "ids"), 7, 1, 30);

        Assert.Equal(TensorNaming.Gguf, runner.Config.Naming);
        Numbers.AssertClose(Numbers.Floats(expected, "logits"), logits, Tolerance, "logits");
    }
}
