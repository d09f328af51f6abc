using Swarm.Models;

namespace Swarm.Hub.Tests;

public sealed class FileSelectionTests
{
    private static readonly string[] Quantized = ["README.md", "a-Q4_K_M.gguf", "a-Q8_0.gguf", "a.f16.gguf", "mmproj-a-f16.gguf", "a.imatrix.gguf", "BF16/a-BF16-00001-of-00002.gguf", "BF16/a-BF16-00002-of-00002.gguf", "a-UD-IQ2_XXS.gguf"];

    [Theory]
    [InlineData("o/n", "a-Q4_K_M.gguf")]
    [InlineData("o/n:Q8_0", "a-Q8_0.gguf")]
    [InlineData("o/n:q8_0", "a-Q8_0.gguf")]
    [InlineData("o/n:F16", "a.f16.gguf")]
    [InlineData("o/n:bf16", "BF16/a-BF16-00001-of-00002.gguf BF16/a-BF16-00002-of-00002.gguf")]
    [InlineData("o/n:IQ2_XXS", "a-UD-IQ2_XXS.gguf")]
    [InlineData("o/n:a.f16.gguf", "a.f16.gguf")]
    [InlineData("o/n:a-BF16-00002-of-00002.gguf", "BF16/a-BF16-00001-of-00002.gguf BF16/a-BF16-00002-of-00002.gguf")]
    public void Choose_OfQuantizations_TakesTheNamedOne(string name, string expected)
    {
        FileSelection chosen = FileSelection.Choose(HubReference.Parse(name), Files(Quantized));

        Assert.Equal(expected.Split(' '), chosen.Files.Select(file => file.Path));
        Assert.True(chosen.IsGguf);
        Assert.Equal(name == "o/n", chosen.Note?.Contains("Q8_0", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public void Choose_QuantizationThatIsNotThere_TellsTheNearestFirst()
    {
        var exception = Assert.Throws<ModelException>(() => FileSelection.Choose(HubReference.Parse("o/n:Q8_1"), Files(Quantized)));

        Assert.Equal(ModelError.ModelNotFound, exception.Error);
        Assert.Contains("no Q8_1; the nearest of its 5 models are Q8_0, ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Choose_SeveralWithoutTheUsualOne_ListsThem()
    {
        var exception = Assert.Throws<ModelException>(() => FileSelection.Choose(HubReference.Parse("o/n"), Files("a.Q8_0.gguf", "a.Q5_0.gguf")));

        Assert.Equal(ModelError.InvalidArgument, exception.Error);
        Assert.Contains("Q8_0, Q5_0", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Choose_TwoModelsOfOneQuantization_AsksForAFile()
    {
        var exception = Assert.Throws<ModelException>(() => FileSelection.Choose(HubReference.Parse("o/n:Q8_0"), Files("a.Q8_0.gguf", "b.Q8_0.gguf")));

        Assert.Contains("o/n:a.Q8_0.gguf, o/n:b.Q8_0.gguf", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Choose_Safetensors_TakesShardsAndWhatIsReadBesideThem()
    {
        FileSelection chosen = FileSelection.Choose(
            HubReference.Parse("o/n"),
            Files(
                "README.md", "config.json", "tokenizer.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "consolidated.safetensors",
                "pytorch_model.bin", "original/consolidated.00.pth", "onnx/model.onnx", "model.Q4_0.gguf"));

        Assert.Equal(["config.json", "tokenizer.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], chosen.Files.Select(file => file.Path));
        Assert.Equal(2, chosen.Weights.Count);
    }

    [Theory]
    [InlineData("UnsupportedModel", "pytorch_model.bin", "config.json", "pytorch_model.bin")]
    [InlineData("ModelNotFound", "no weights", "README.md", "data.csv")]
    public void Choose_WithoutWeightsThatAreRead_SaysWhatThereIs(string error, string said, params string[] files)
    {
        var exception = Assert.Throws<ModelException>(() => FileSelection.Choose(HubReference.Parse("o/n"), Files(files)));

        Assert.Equal(error, exception.Error.ToString());
        Assert.Contains(said, exception.Message, StringComparison.Ordinal);
    }

    private static RepositoryFile[] Files(params string[] paths) => [.. paths.Select(path => new RepositoryFile(path, 10, new string('0', 40)))];
}
