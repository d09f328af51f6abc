using Swarm.Kernels;
using Swarm.Models.Tests.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests;

public sealed class ModelSourceTests
{
    private const string Llama = """
        {"model_type":"llama","hidden_size":64,"num_attention_heads":4,"num_hidden_layers":3,"intermediate_size":96,"vocab_size":160,"max_position_embeddings":512 MORE}
        """;

    [Fact]
    public void Open_DefaultModelByName_ConfigurationOfTheReference()
    {
        using ModelSource source = ModelSource.Open(ModelSource.DefaultName, ["/nowhere", Path.GetDirectoryName(TestData.DefaultModel)!]);
        ModelConfig config = source.Config;
        Assert.Equal("smollm2-135m-instruct", source.Name);
        Assert.Equal(("llama", 30, 576, 9, 3, 64), (config.Family, config.Blocks, config.Hidden, config.Heads, config.KeyValueHeads, config.HeadDimension));
        Assert.Equal((1536, 49152, 8192, 1e-5f, true), (config.FeedForward, config.Vocabulary, config.Context, config.NormEpsilon, config.TiedEnds));
        Assert.Equal(new RotaryConfig { Theta = 100_000, Layout = RotaryLayout.Interleaved, Dimension = 64 }, config.Rotary);
        Assert.Equal(1, config.BeginToken);
        Assert.Equal([2], config.EndTokens);
        Assert.Equal(272, source.Tensors.Tensors.Count);
        Assert.Equal(49152, source.Tokenizer!.VocabularySize);
        Assert.StartsWith("{% for message in messages %}", source.ChatTemplateText, StringComparison.Ordinal);
        Assert.Equal(source.ChatTemplateText, source.ChatTemplate!.Source);
    }

    [Fact]
    public void Open_HuggingFaceFolder_ConfigurationAndWeights()
    {
        using ModelSource source = ModelSource.Open(TestData.Path("families/llama3-rope"));
        RotaryConfig rotary = source.Config.Rotary;
        Assert.Equal((RotaryScaling.Llama3, 500_000f, 8f, 1f, 4f, 64), (rotary.Scaling, rotary.Theta, rotary.Factor, rotary.LowFrequencyFactor, rotary.HighFrequencyFactor, rotary.OriginalContext));
        Assert.Equal(RotaryLayout.HalfSplit, rotary.Layout);
        Assert.Equal("llama3-rope", source.Name);
        Assert.Null(source.Metadata);
        Assert.Null(source.Tokenizer);
        Assert.Null(source.ChatTemplateText);
        Assert.Equal(0, source.Tensors.BytesTouched);
    }

    [Theory]
    [InlineData("absent")]
    [InlineData("../models/absent")]
    [InlineData("")]
    public void Open_NoSuchModel_ModelNotFoundNamesThePlaces(string model)
    {
        var exception = Assert.Throws<ModelException>(() => ModelSource.Open(model, ["/nowhere/models"]));
        Assert.Equal(ModelError.ModelNotFound, exception.Error);
        Assert.Contains("/nowhere/models", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_EmptyFolder_ModelNotFound()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(ModelError.ModelNotFound, Assert.Throws<ModelException>(() => ModelSource.Open(folder.Path)).Error);
    }

    [Fact]
    public void Open_GgufWithoutTensors_TokenizerAndNamedErrorForTheRest()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("v.gguf", new GgufBuilder().String("general.architecture", "llama").String("tokenizer.chat_template", "{{ 1 }}").Build());
        using ModelSource source = ModelSource.Open(path);
        Assert.Empty(source.Tensors.Tensors);
        Assert.Equal("{{ 1 }}", source.ChatTemplateText);
        Assert.Null(source.Tokenizer);
        var exception = Assert.Throws<ModelException>(() => source.Config);
        Assert.Equal(ModelError.CorruptModel, exception.Error);
        Assert.Contains("llama.embedding_length is missing", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FolderWithOnlyATokenizer_OpensAndNamesWhatIsMissing()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", "{}");
        folder.Write("tokenizer_config.json", """{"chat_template":[{"name":"tool_use","template":"t"},{"name":"default","template":"d"}]}""");
        using ModelSource source = ModelSource.Open(folder.Path);
        Assert.Equal("d", source.ChatTemplateText);
        Assert.Equal(ModelError.ModelNotFound, Assert.Throws<ModelException>(() => source.Config).Error);
        Assert.Equal(ModelError.ModelNotFound, Assert.Throws<ModelException>(() => source.Tensors).Error);
    }

    [Theory]
    [InlineData(160, true)]
    [InlineData(14, true)]
    [InlineData(13, false)]
    public void Tokenizer_OrdinaryTokensWithoutARow_CorruptModelNamesBothNumbers(int rows, bool fits)
    {
        // Fourteen ordinary tokens, and an added one far above, such as some models have for pictures.
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Llama.Replace("MORE", "", StringComparison.Ordinal).Replace("\"vocab_size\":160", $"\"vocab_size\":{rows}", StringComparison.Ordinal));
        folder.Write("tokenizer.json", """
            {"added_tokens":[{"id":200,"content":"<image>","special":true}],"decoder":{"type":"Fuse"},
             "model":{"type":"BPE","vocab":{"a":0,"b":1,"c":2,"d":3,"e":4,"f":5," ":6,"ab":7,"abc":8,"de":9,"g":10,"?":11,"bc":12,"-":13},"merges":["a b","b c","ab c","d e"]}}
            """);
        using ModelSource source = ModelSource.Open(folder.Path);
        if (fits)
        {
            Assert.Equal([8], source.Tokenizer!.Encode("abc"));
            return;
        }

        var exception = Assert.Throws<ModelException>(() => source.Tokenizer);
        Assert.Equal(ModelError.CorruptModel, exception.Error);
        Assert.Contains("the tokenizer has 14 tokens, the model 13 rows", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokenizer_SentencePieceFileAlone_IsRefusedByNameWithAdvice()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Llama.Replace("MORE", "", StringComparison.Ordinal));
        folder.Write("tokenizer.model", "x");
        using ModelSource source = ModelSource.Open(folder.Path);
        var exception = Assert.Throws<ModelException>(() => source.Tokenizer);
        Assert.Equal(ModelError.UnsupportedModel, exception.Error);
        Assert.Contains("tokenizer.model", exception.Message, StringComparison.Ordinal);
        Assert.Contains("expected tokenizer.json", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("qwen9", "qwen2")]
    [InlineData("bert", "gpt_neox")]
    public void Config_UnknownFamily_SaysWhichAreKnown(string type, string known)
    {
        var exception = Assert.Throws<ModelException>(() => Config(Llama.Replace("\"llama\"", $"\"{type}\"", StringComparison.Ordinal), ""));
        Assert.Equal(ModelError.UnsupportedModel, exception.Error);
        Assert.Contains($"model_type {type}, expected one of", exception.Message, StringComparison.Ordinal);
        Assert.Contains(known, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", RotaryScaling.None, 10_000f, 1f)]
    [InlineData(",\"rope_theta\":5e5", RotaryScaling.None, 500_000f, 1f)]
    [InlineData(",\"rope_theta\":5e5,\"rope_scaling\":null", RotaryScaling.None, 500_000f, 1f)]
    [InlineData(",\"rope_theta\":5e5,\"rope_scaling\":{\"type\":\"linear\",\"factor\":4}", RotaryScaling.Linear, 500_000f, 4f)]
    [InlineData(",\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":2,\"rope_theta\":300}", RotaryScaling.Linear, 300f, 2f)]
    [InlineData(",\"rope_theta\":5e5,\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4,\"original_max_position_embeddings\":64}", RotaryScaling.Llama3, 500_000f, 8f)]
    public void Config_RotaryInOldAndNewForm_IsRead(string more, RotaryScaling scaling, float theta, float factor)
    {
        ModelConfig config = Config(Llama, more);
        Assert.Equal((scaling, theta, factor), (config.Rotary.Scaling, config.Rotary.Theta, config.Rotary.Factor));
        Assert.Equal((4, 16, 16), (config.KeyValueHeads, config.HeadDimension, config.Rotary.Dimension));
    }

    [Fact]
    public void Config_EndTokensOfBothFiles_AreJoined()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Llama.Replace("MORE", ",\"eos_token_id\":[7,3],\"bos_token_id\":1", StringComparison.Ordinal));
        folder.Write("generation_config.json", """{"eos_token_id":[3,9]}""");
        using ModelSource source = ModelSource.Open(folder.Path);
        Assert.Equal([3, 7, 9], source.Config.EndTokens);
        Assert.Equal(1, source.Config.BeginToken);
    }

    [Theory]
    [InlineData(",\"rope_scaling\":{\"rope_type\":\"spiral\",\"factor\":4}", ModelError.UnsupportedModel, "spiral")]
    [InlineData(",\"rope_scaling\":{\"rope_type\":\"longrope\",\"short_factor\":[1,2]}", ModelError.CorruptModel, "short_factor")]
    [InlineData(",\"hidden_act\":\"mish\"", ModelError.UnsupportedModel, "mish")]
    [InlineData(",\"num_key_value_heads\":3", ModelError.CorruptModel, "3 key-value heads")]
    [InlineData(",\"num_key_value_heads\":0", ModelError.CorruptModel, "num_key_value_heads = 0")]
    [InlineData(",\"head_dim\":12", ModelError.UnsupportedModel, "head dimension 12")]
    [InlineData(",\"rms_norm_eps\":-1", ModelError.CorruptModel, "rms_norm_eps = -1")]
    [InlineData(",\"rms_norm_eps\":1e999", ModelError.CorruptModel, "rms_norm_eps")]
    [InlineData(",\"eos_token_id\":160", ModelError.CorruptModel, "eos_token_id = 160")]
    [InlineData(",\"rope_theta\":\"x\"", ModelError.CorruptModel, "rope_theta")]
    [InlineData(",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4}", ModelError.CorruptModel, "high_freq_factor")]
    [InlineData(",\"quantization_config\":{\"quant_method\":\"gptq\"}", ModelError.UnsupportedModel, "gptq")]
    [InlineData(",\"sliding_window\":8", ModelError.UnsupportedModel, "sliding_window = 8")]
    [InlineData(",\"attention_bias\":1", ModelError.CorruptModel, "attention_bias = 1")]
    public void Config_BadField_NamesFieldAndValue(string more, ModelError error, string named)
    {
        var exception = Assert.Throws<ModelException>(() => Config(Llama, more));
        Assert.Equal(error, exception.Error);
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", ModelError.CorruptModel, "not JSON")]
    [InlineData("[1]", ModelError.CorruptModel, "expected an object")]
    [InlineData("{\"model_type\":\"\\ud800\"}", ModelError.CorruptModel, "not JSON")]
    [InlineData("{\"\\udc00\":1}", ModelError.CorruptModel, "not JSON")]
    [InlineData("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", ModelError.CorruptModel, "not JSON")]
    [InlineData("{}", ModelError.CorruptModel, "model_type is missing")]
    [InlineData("{\"model_type\":\"mamba\"}", ModelError.UnsupportedModel, "mamba")]
    [InlineData("{\"model_type\":\"llama\"}", ModelError.CorruptModel, "hidden_size is missing")]
    [InlineData("{\"model_type\":\"llama\",\"hidden_size\":100000}", ModelError.CorruptModel, "hidden_size = 100000")]
    public void Config_NotAConfiguration_TypedError(string json, ModelError error, string named)
    {
        var exception = Assert.Throws<ModelException>(() => Config(json, ""));
        Assert.Equal(error, exception.Error);
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Config_BytesThatAreNotUtf8_CorruptModel()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", [.. "{\"model_type\":\""u8, 0xFF, .. "\"}"u8]);
        using ModelSource source = ModelSource.Open(folder.Path);
        var exception = Assert.Throws<ModelException>(() => source.Config);
        Assert.Contains("not UTF-8", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mamba", 4u, ModelError.UnsupportedModel, "mamba")]
    [InlineData("llama", 0u, ModelError.CorruptModel, "llama.attention.head_count = 0")]
    public void Config_BadGguf_NamesKeyAndValue(string architecture, uint heads, ModelError error, string named)
    {
        using var folder = new TemporaryFolder();
        using ModelSource source = ModelSource.Open(folder.Write("m.gguf", LlamaGguf(architecture, heads).Build()));
        var exception = Assert.Throws<ModelException>(() => source.Config);
        Assert.Equal(error, exception.Error);
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Config_GgufRotaryScaling_LinearAndStoredFactors()
    {
        using var folder = new TemporaryFolder();
        using ModelSource linear = ModelSource.Open(folder.Write(
            "linear.gguf", LlamaGguf("llama", 4).String("llama.rope.scaling.type", "linear").Float32("llama.rope.scaling.factor", 4).Build()));
        Assert.Equal((RotaryScaling.Linear, 4f), (linear.Config.Rotary.Scaling, linear.Config.Rotary.Factor));
        using ModelSource stored = ModelSource.Open(folder.Write("stored.gguf", LlamaGguf("llama", 4).Tensor("rope_freqs.weight", [8], 0, new byte[32]).Build()));
        Assert.Equal(RotaryScaling.StoredFactors, stored.Config.Rotary.Scaling);
        using ModelSource yarn = ModelSource.Open(folder.Write(
            "yarn.gguf", LlamaGguf("llama", 4).String("llama.rope.scaling.type", "yarn").Float32("llama.rope.scaling.factor", 4).Build()));
        Assert.Equal((RotaryScaling.Yarn, 4f), (yarn.Config.Rotary.Scaling, yarn.Config.Rotary.Factor));
        using ModelSource spiral = ModelSource.Open(folder.Write("spiral.gguf", LlamaGguf("llama", 4).String("llama.rope.scaling.type", "spiral").Build()));
        Assert.Equal(ModelError.UnsupportedModel, Assert.Throws<ModelException>(() => spiral.Config).Error);
    }

    [Fact]
    public void BlockOf_NamesOfBothKinds_AreRecognised()
    {
        using ModelSource gguf = ModelSource.Open(TestData.DefaultModel);
        Assert.Equal(30, gguf.Tensors.Tensors.Select(gguf.BlockOf).OfType<int>().Distinct().Count());
        Assert.Equal(2, gguf.Tensors.Tensors.Count(tensor => gguf.BlockOf(tensor) is null));
        using ModelSource folder = ModelSource.Open(TestData.Path("families/llama"));
        Assert.Equal(3, folder.Tensors.Tensors.Count(tensor => folder.BlockOf(tensor) is null));
        Assert.Equal(36, folder.Tensors.Tensors.Count(tensor => folder.BlockOf(tensor) is >= 0 and < 4));
    }

    private static ModelConfig Config(string json, string more)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", json.Replace("MORE", more, StringComparison.Ordinal));
        using ModelSource source = ModelSource.Open(folder.Path);
        return source.Config;
    }

    private static GgufBuilder LlamaGguf(string architecture, uint heads) => new GgufBuilder()
        .String("general.architecture", architecture)
        .UInt32("llama.block_count", 2).UInt32("llama.context_length", 128).UInt32("llama.embedding_length", 64)
        .UInt32("llama.feed_forward_length", 96).UInt32("llama.attention.head_count", heads).UInt32("llama.vocab_size", 100)
        .Float32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
}
