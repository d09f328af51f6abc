using Swarm.Models.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests.Files;

/// <summary>A GGUF model in parts.</summary>
public sealed class SplitGgufTests
{
    [Theory]
    [InlineData("/m/x-00002-of-00003.gguf", "/m/x", 3)]
    [InlineData("a-b-00001-of-00001.GGUF", "a-b", 1)]
    [InlineData("x-00004-of-00003.gguf", null, 0)]
    [InlineData("x-00000-of-00003.gguf", null, 0)]
    [InlineData("x-0002-of-00003.gguf", null, 0)]
    [InlineData("x-00002-of-00003.safetensors", null, 0)]
    [InlineData("gguf", null, 0)]
    public void ReadName_PathOfAPart_StemAndCount(string path, string? stem, int parts) =>
        Assert.Equal(stem is null ? null : (stem, parts), SplitGguf.ReadName(path));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Open_AnyPart_TensorsOfAllWithTheFirstOnesMetadata(int named)
    {
        using var folder = new TemporaryFolder();
        WriteParts(folder);
        using ModelSource source = ModelSource.Open(PartPath(folder, named));
        Assert.Equal("tiny", source.Name);
        Assert.Equal("{{ 1 }}", source.ChatTemplateText);
        Assert.Equal(["t0", "t1", "t2"], source.Tensors.Tensors.Select(tensor => tensor.Name));
        for (int part = 0; part < 3; part++)
            Assert.Equal([part + 0.5f], source.Tensors.ReadVector($"t{part}"));
        Assert.Equal(12, source.Tensors.BytesTouched);
    }

    [Fact]
    public void Open_FolderOfParts_IsOneModel()
    {
        using var folder = new TemporaryFolder();
        WriteParts(folder);
        using ModelSource source = ModelSource.Open(folder.Path);
        Assert.Equal(3, source.Tensors.Tensors.Count);
    }

    [Fact]
    public void Open_LaterPartAbsent_MattersOnlyForWhatNoPartHereHas()
    {
        using var folder = new TemporaryFolder();
        WriteParts(folder);
        File.Delete(PartPath(folder, 1));
        using SplitGguf store = SplitGguf.Open(PartPath(folder, 2));
        Assert.Equal([2.5f], store.ReadVector("t2"));
        AssertNames(PartPath(folder, 1), ModelError.ModelNotFound, () => store.ReadVector("t1"));
        AssertNames(PartPath(folder, 1), ModelError.ModelNotFound, () => ModelManifest.Create(store));
    }

    [Fact]
    public void Open_FirstPartAbsent_ModelNotFoundNamesIt()
    {
        using var folder = new TemporaryFolder();
        WriteParts(folder);
        File.Delete(PartPath(folder, 0));
        AssertNames(PartPath(folder, 0), ModelError.ModelNotFound, () => SplitGguf.Open(PartPath(folder, 2)));
    }

    [Theory]
    [InlineData(1, 1, 2, 3, "split.count = 2, expected 3")]
    [InlineData(2, 1, 3, 3, "split.no = 1, expected 2")]
    [InlineData(0, 0, 3, 4, "split.tensors.count = 4, expected 3")]
    [InlineData(1, null, 3, 3, "split.no is missing")]
    public void Open_PartThatContradictsItsPlace_CorruptModelNamesTheField(int part, int? number, int count, int tensors, string named)
    {
        using var folder = new TemporaryFolder();
        WriteParts(folder);
        folder.Write(Path.GetFileName(PartPath(folder, part)), Part(part, number, count, tensors));
        AssertNames(named, ModelError.CorruptModel, () => SplitGguf.Open(PartPath(folder, 0)));
    }

    [Fact]
    public void Open_TensorInTwoParts_CorruptModel()
    {
        using var folder = new TemporaryFolder();
        WriteParts(folder);
        folder.Write(Path.GetFileName(PartPath(folder, 1)), Part(1, 1, 3, 3, "t0"));
        AssertNames("t0 is given twice", ModelError.CorruptModel, () => SplitGguf.Open(PartPath(folder, 0)));
    }

    [Fact]
    public void Open_PartUnderAnotherName_SaysHowItIsCalled()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("renamed.gguf", Part(1, 1, 3, 3));
        AssertNames("a part of a model", ModelError.CorruptModel, () => ModelSource.Open(path));
    }

    private static string PartPath(TemporaryFolder folder, int part) => SplitGguf.PartPath(folder.File("tiny"), part, 3);

    private static void WriteParts(TemporaryFolder folder)
    {
        for (int part = 0; part < 3; part++)
            folder.Write(Path.GetFileName(PartPath(folder, part)), Part(part, part, 3, 3));
    }

    internal static byte[] Part(int part, int? number, int count, int tensors, string? tensor = null)
    {
        GgufBuilder builder = new();
        if (part == 0)
            builder.String("general.architecture", "llama").String("tokenizer.chat_template", "{{ 1 }}");
        if (number is { } written)
            builder.Raw("split.no", 2, BitConverter.GetBytes((ushort)written));
        builder.Raw("split.count", 2, BitConverter.GetBytes((ushort)count)).Raw("split.tensors.count", 5, BitConverter.GetBytes(tensors));
        return builder.Tensor(tensor ?? $"t{part}", [1], 0, BitConverter.GetBytes(part + 0.5f)).Build();
    }

    private static void AssertNames(string named, ModelError error, Action action)
    {
        var exception = Assert.Throws<ModelException>(action);
        Assert.Equal(error, exception.Error);
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }
}
