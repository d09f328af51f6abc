using Swarm.Models.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests;

public class ModelDescriptionTests
{
    [Fact]
    public void Parse_OfAFolder_GivesTheSameConfigurationTokenizerAndTemplate()
    {
        using var folder = new TemporaryFolder();
        foreach (string path in Directory.GetFiles(TestData.Path("families/llama")).Where(path => !path.EndsWith(".safetensors", StringComparison.Ordinal)))
            File.Copy(path, folder.File(Path.GetFileName(path)));
        File.WriteAllText(folder.File("chat_template.jinja"), "{{ messages[0].content }}");
        ModelDescription description = ModelDescription.FromFolder(folder.Path);

        ModelDescription again = ModelDescription.Parse(description.Encode(), "a peer");

        Assert.Equal(description.ReadConfig(null!).ToCanonicalBytes(), again.ReadConfig(null!).ToCanonicalBytes());
        Assert.Equal("{{ messages[0].content }}", again.ReadChatTemplateText());
        Assert.Equal(description.ComputeHash(), again.ComputeHash());
        File.WriteAllText(folder.File("chat_template.jinja"), "another");
        Assert.NotEqual(description.ComputeHash(), again.ComputeHash());
    }

    [Fact]
    public void Parse_OfAGgufHeader_GivesTheSameConfigurationTokenizerAndTemplate()
    {
        using ModelSource source = ModelSource.Open(ModelSource.DefaultName, [Path.Combine(TestData.Root, "models")]);

        ModelDescription again = ModelDescription.Parse(source.Description!.Encode(), "a peer");

        Assert.Equal(source.Config.ToCanonicalBytes(), again.ReadConfig(source.Tensors).ToCanonicalBytes());
        Assert.Equal(source.ChatTemplateText, again.ReadChatTemplateText());
        Assert.Equal(source.Tokenizer!.Encode("Once upon a time, é"), again.ReadTokenizer()!.Encode("Once upon a time, é"));
        Assert.Equal(source.Description.ComputeHash(), again.ComputeHash());
    }

    [Fact]
    public void Parse_DamagedBytes_TypedErrorOrAnotherDescription()
    {
        byte[] sound = ModelDescription.FromFolder(TestData.Path("families/llama")).Encode();
        var random = new Random(7);
        for (int round = 0; round < 2000; round++)
        {
            byte[] bytes = sound[..(round % 3 == 0 ? random.Next(sound.Length) : sound.Length)];
            for (int change = 0; change < 1 + (round % 4) && bytes.Length > 0; change++)
                bytes[random.Next(Math.Min(bytes.Length, 64))] = (byte)random.Next(256);
            try
            {
                ModelDescription.Parse(bytes, "a peer").ReadConfig(null!);
            }
            catch (ModelException exception)
            {
                Assert.Contains(exception.Error, new[] { ModelError.CorruptModel, ModelError.UnsupportedModel, ModelError.ModelNotFound });
            }
        }
    }

    [Theory]
    [InlineData("SWMD2\n", "SWMD1")]
    [InlineData("SWMD1\n", "kind needs 1 bytes")]
    [InlineData("SWMD1\n\u0003", "kind = 3, expected 1 or 2")]
    [InlineData("SWMD1\n\u0002\u0001\u0003../", "file 0 is ../, expected one of config.json")]
    public void Parse_NoDescription_SaysWhatIsWrong(string text, string expected)
    {
        var error = Assert.Throws<ModelException>(() => ModelDescription.Parse(System.Text.Encoding.Latin1.GetBytes(text), "a peer"));

        Assert.Equal(ModelError.CorruptModel, error.Error);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TryCopyStored_AnyPartOfATensor_GivesItsStoredBytes()
    {
        using ModelSource source = ModelSource.Open(TestData.Path("families/llama"));
        TensorInfo tensor = source.Tensors.Tensors.First(tensor => tensor.Shape.Count == 2);
        byte[] whole = source.Tensors.Rows(tensor, 0, (int)tensor.Rows).ToArray();
        long touched = source.Tensors.BytesTouched;
        byte[] part = new byte[77];

        Assert.True(source.Tensors.TryCopyStored(tensor, 33, part));

        Assert.Equal(whole[33..110], part);
        Assert.Equal(touched, source.Tensors.BytesTouched);
        Assert.False(source.Tensors.TryCopyStored(tensor, tensor.ByteLength - 76, part));
        Assert.False(source.Tensors.TryCopyStored(tensor, -1, part));
        using ModelSource random = ModelSource.Open("random:1MiB:q4_0");
        Assert.False(random.Tensors.TryCopyStored(random.Tensors.Tensors[0], 0, part));
    }
}
