using System.Text.Json;
using Swarm.Kernels;
using Swarm.Models.Families;
using Swarm.Models.Blocks;

namespace Swarm.Models.Tests.Families;

/// <summary>What configurations of published models say, as they say it.</summary>
public sealed class FamilyConfigTests
{
    [Fact]
    public void Gemma3_WrappedWithLittleText_HasTheDefaultsOfItsKind()
    {
        ModelConfig config = Read("""
            {"architectures":["Gemma3ForConditionalGeneration"],"eos_token_id":[1,106],"model_type":"gemma3","torch_dtype":"bfloat16",
             "text_config":{"hidden_size":2560,"intermediate_size":10240,"model_type":"gemma3_text","num_hidden_layers":34,
               "rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024}}
            """);
        Assert.Equal(("gemma3", 34, 262_208, 8, 4, 256, 131_072), (config.Family, config.Blocks, config.Vocabulary, config.Heads, config.KeyValueHeads, config.HeadDimension, config.Context));
        Assert.Equal([1, 106], config.EndTokens);
        Assert.Equal(50.5f, config.EmbeddingScale);
        Assert.Equal((RotaryScaling.Linear, 8f, 1e6f), (config.Rotary.Scaling, config.Rotary.Factor, config.Rotary.Theta));
        Assert.Equal((RotaryScaling.None, 1e4f), (config.WindowRotary!.Scaling, config.WindowRotary.Theta));
        Assert.Equal([1024, 1024, 1024, 1024, 1024, 0, 1024], Enumerable.Range(0, 7).Select(block => config.Block(block).Window));
        Assert.Equal(config.Rotary, config.Block(5).Rotary);
        Assert.Equal(config.WindowRotary, config.Block(6).Rotary);
        Assert.Equal(0.0625f, config.AttentionScale);
        Assert.True(config.TiedEnds);
    }

    [Fact]
    public void Gemma2_NullCap_IsNone()
    {
        const string Gemma = """
            {"model_type":"gemma2","hidden_size":2304,"intermediate_size":9216,"num_hidden_layers":4,"num_attention_heads":8,"num_key_value_heads":4,"head_dim":256,
             "vocab_size":256000,"sliding_window":4096,"max_position_embeddings":8192,"query_pre_attn_scalar":256 MORE}
            """;
        ModelConfig capped = Read(Gemma.Replace("MORE", "", StringComparison.Ordinal));
        Assert.Equal((50f, 30f), (capped.AttentionSoftCap, capped.LogitSoftCap));
        Assert.Equal([4096, 0, 4096, 0], Enumerable.Range(0, 4).Select(block => capped.Block(block).Window));
        ModelConfig free = Read(Gemma.Replace("MORE", ",\"attn_logit_softcapping\":null,\"final_logit_softcapping\":null", StringComparison.Ordinal));
        Assert.Equal((0f, 0f), (free.AttentionSoftCap, free.LogitSoftCap));
    }

    [Theory]
    [InlineData("\"multi_query\":true,\"parallel_attn\":true,\"n_head\":71", 1, BlockWiring.ParallelSharedNorm, PositionKind.Rotary)]
    [InlineData("\"multi_query\":false,\"parallel_attn\":false,\"alibi\":true,\"bias\":true,\"n_head\":71", 71, BlockWiring.Sequential, PositionKind.ScaledSlopes)]
    [InlineData("\"new_decoder_architecture\":true,\"num_attention_heads\":142,\"num_kv_heads\":2", 2, BlockWiring.Parallel, PositionKind.Rotary)]
    [InlineData("\"new_decoder_architecture\":true,\"num_ln_in_parallel_attn\":1,\"num_attention_heads\":142,\"num_kv_heads\":2", 2, BlockWiring.ParallelSharedNorm, PositionKind.Rotary)]
    public void Falcon_ItsSizes_AreToldApart(string fields, int keyValueHeads, BlockWiring wiring, PositionKind positions)
    {
        ModelConfig config = Read($$"""{"model_type":"falcon","hidden_size":9088,"n_layer":3,"num_hidden_layers":3,"vocab_size":65024,"head_dim":64,{{fields}}}""");
        Assert.Equal((keyValueHeads, wiring, positions), (config.KeyValueHeads, config.Wiring, config.Positions));
        Assert.Equal(positions == PositionKind.ScaledSlopes, config.AttentionBias && config.FeedForwardBias && config.Rotary.Dimension == 0);
        Assert.Equal(4 * 9088, config.FeedForward);
    }

    [Fact]
    public void Phi3_LongRope_EndsWhereItsFactorsWouldChange()
    {
        string factors = string.Join(',', Enumerable.Repeat("1.5", 48)), longer = string.Join(',', Enumerable.Repeat("9", 48));
        ModelConfig config = Read($$"""
            {"model_type":"phi3","hidden_size":3072,"intermediate_size":8192,"num_hidden_layers":2,"num_attention_heads":32,"vocab_size":32064,
             "max_position_embeddings":131072,"original_max_position_embeddings":4096,"sliding_window":262144,
             "rope_scaling":{"type":"longrope","short_factor":[{{factors}}],"long_factor":[{{longer}}]} }
            """);
        Assert.Equal((4096, 0), (config.Context, config.Block(0).Window));
        Assert.Equal((float)Math.Sqrt(1 + (Math.Log(32) / Math.Log(4096))), config.Rotary.Magnitude, 1e-6f);
        float[] frequencies = RotaryFrequencies.Make(config.Rotary, []);
        Assert.Equal(48, frequencies.Length);
        Assert.Equal(1 / (1.5f * MathF.Pow(10_000, 2f / 96)), frequencies[1], 1e-6f);
    }

    [Fact]
    public void Yarn_AsTheReferenceComputesIt()
    {
        // Of gpt-oss: 32 pairs of 64 values, computed by hand from the paper's formula (truncate off).
        var rotary = new RotaryConfig
        {
            Theta = 150_000, Layout = RotaryLayout.HalfSplit, Dimension = 64, Scaling = RotaryScaling.Yarn, Factor = 32, OriginalContext = 4096, Truncates = false,
        };
        float[] frequencies = RotaryFrequencies.Make(rotary, []);
        double low = 64 * Math.Log(4096 / (32 * 2 * Math.PI)) / (2 * Math.Log(150_000)), high = 64 * Math.Log(4096 / (2 * Math.PI)) / (2 * Math.Log(150_000));
        for (int pair = 0; pair < 32; pair++)
        {
            double kept = Math.Pow(150_000, -pair / 32.0), share = 1 - Math.Clamp((pair - low) / (high - low), 0, 1);
            Assert.Equal((kept * share) + (kept / 32 * (1 - share)), frequencies[pair], 1e-6 * kept);
        }

        Assert.Equal(1, frequencies[0]);
        Assert.Equal(0.1 * Math.Log(32) + 1, RotaryFrequencies.YarnMagnitude(32), 1e-6);
    }

    [Fact]
    public void Qwen2_WindowInUpperBlocks_IsReadWhereItIsUsed()
    {
        const string Qwen = """
            {"model_type":"qwen2","hidden_size":64,"intermediate_size":96,"num_hidden_layers":4,"num_attention_heads":4,"vocab_size":160,"max_position_embeddings":256,
             "sliding_window":8,"max_window_layers":3,"use_sliding_window":USED}
            """;
        ModelConfig used = Read(Qwen.Replace("USED", "true", StringComparison.Ordinal));
        Assert.Equal([0, 0, 0, 8], Enumerable.Range(0, 4).Select(block => used.Block(block).Window));
        ModelConfig unused = Read(Qwen.Replace("USED", "false", StringComparison.Ordinal));
        Assert.Equal(0, unused.Window);
    }

    [Theory]
    [InlineData(",\"sliding_window\":8", 8)]
    [InlineData(",\"sliding_window\":4096", 0)]
    [InlineData(",\"sliding_window\":null,\"head_dim\":null", 0)]
    [InlineData("", 0)]
    public void Mistral_WindowBelowTheContext_IsOfAllBlocks(string more, int window)
    {
        const string Mistral = """
            {"model_type":"mistral","hidden_size":64,"intermediate_size":96,"num_hidden_layers":4,"num_attention_heads":4,"num_key_value_heads":2,"vocab_size":160,"max_position_embeddings":256MORE}
            """;
        ModelConfig config = Read(Mistral.Replace("MORE", more, StringComparison.Ordinal));
        Assert.Equal("mistral", config.Family);
        Assert.All(Enumerable.Range(0, 4), block => Assert.Equal(window, config.Block(block).Window));
    }

    [Theory]
    [InlineData("""{"model_type":"bloom","hidden_size":64,"n_head":4,"n_layer":1,"vocab_size":9,"apply_residual_connection_post_layernorm":true}""", "apply_residual_connection_post_layernorm")]
    [InlineData("""{"model_type":"gpt2","n_embd":64,"n_head":4,"n_layer":1,"vocab_size":9,"scale_attn_by_inverse_layer_idx":true}""", "scale_attn_by_inverse_layer_idx")]
    [InlineData("""{"model_type":"phi","hidden_size":64,"num_attention_heads":4,"num_hidden_layers":1,"intermediate_size":96,"vocab_size":9,"qk_layernorm":true}""", "qk_layernorm")]
    [InlineData("""{"model_type":"phi","hidden_size":64,"num_attention_heads":4,"num_hidden_layers":1,"intermediate_size":96,"vocab_size":9,"hidden_act":"mish"}""", "mish")]
    [InlineData("""{"model_type":"qwen2","hidden_size":64,"num_attention_heads":4,"num_hidden_layers":1,"intermediate_size":96,"vocab_size":9,"layer_types":["linear_attention"]}""", "linear_attention")]
    [InlineData("""{"model_type":"mamba"}""", "model_type mamba")]
    public void Read_WhatIsNotComputed_IsRefusedByName(string json, string named)
    {
        var exception = Assert.Throws<ModelException>(() => Read(json));
        Assert.Equal(ModelError.UnsupportedModel, exception.Error);
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Gpt2_NamesWithoutTheirPrefix_AreFound()
    {
        ModelFamily family = ModelFamily.ByName("gpt2");
        Assert.Equal(3, family.BlockOf(TensorNaming.HuggingFace, "h.3.attn.c_attn.weight"));
        Assert.Equal(3, family.BlockOf(TensorNaming.HuggingFace, "transformer.h.3.attn.c_attn.weight"));
        Assert.Equal(7, ModelFamily.ByName("gemma3").BlockOf(TensorNaming.HuggingFace, "language_model.model.layers.7.mlp.up_proj.weight"));
    }

    [Fact]
    public void ToCanonicalBytes_WhatDiffersInNumbers_DiffersInBytes()
    {
        ModelConfig config = Read("""{"model_type":"llama","hidden_size":64,"num_attention_heads":4,"num_hidden_layers":2,"intermediate_size":96,"vocab_size":160}""");
        ModelConfig[] others =
        [
            config with { Window = 8 }, config with { Window = 8, WindowedBlocks = [true, false] }, config with { Norm = NormKind.Layer },
            config with { NormPlacement = NormPlacement.After }, config with { Wiring = BlockWiring.Parallel }, config with { QueryKeyNorm = QueryKeyNorm.Token },
            config with { Activation = Activation.Gelu }, config with { GatedFeedForward = false }, config with { AttentionScale = 0.5f },
            config with { AttentionSoftCap = 50 }, config with { LogitSoftCap = 30 }, config with { EmbeddingScale = 8 }, config with { EmbeddingNorm = true },
            config with { Positions = PositionKind.Learned }, config with { HeadBias = true }, config with { Rotary = config.Rotary with { Magnitude = 1.2f } },
            config with { Rotary = config.Rotary with { Factors = [1, 2] } }, config with { Rotary = config.Rotary with { Scaling = RotaryScaling.Yarn } },
            config with { Rotary = config.Rotary with { Scaling = RotaryScaling.Yarn, BetaFast = 16 } }, config with { WindowRotary = config.Rotary },
        ];
        Assert.Equal(others.Length + 1, others.Append(config).Select(each => Convert.ToHexString(each.ToCanonicalBytes())).Distinct().Count());
    }

    private static ModelConfig Read(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        var fields = new JsonFields(document.RootElement, "config.json");
        return ModelFamily.ByHuggingFaceType(fields.Text("model_type"), "config.json").ReadHuggingFace(fields, null);
    }
}
