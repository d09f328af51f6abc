using System.Text.Json.Nodes;
using Swarm.Kernels;
using Swarm.Models.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests.Families;

/// <summary>What configurations say of experts and of latent attention, as published models say it, and what is refused.</summary>
public sealed class ExpertConfigTests
{
    [Fact]
    public void ReadConfig_DeepSeekV3AsPublished_IsRead()
    {
        ModelConfig config = Read("deepseek-v3", json =>
        {
            json["kv_lora_rank"] = 512;
            json["q_lora_rank"] = 1536;
            json["qk_nope_head_dim"] = 128;
            json["qk_rope_head_dim"] = 64;
            json["v_head_dim"] = 128;
            json["n_routed_experts"] = 256;
            json["num_experts_per_tok"] = 8;
            json["n_group"] = 8;
            json["topk_group"] = 4;
            json["max_position_embeddings"] = 163840;
            json.Remove("rope_parameters");
            json.Remove("head_dim");
            json["rope_theta"] = 10000;
            json["rope_scaling"] = JsonNode.Parse("""{"beta_fast":32,"beta_slow":1,"factor":40,"mscale":1.0,"mscale_all_dim":1.0,"original_max_position_embeddings":4096,"type":"yarn"}""");
        });
        Assert.Equal("deepseek-v3", config.Family);
        Assert.Equal((192, 1, 1f, 64), (config.HeadDimension, config.KeyValueHeads, config.Rotary.Magnitude, config.Rotary.Dimension));
        Assert.Equal(RotaryLayout.Interleaved, config.Rotary.Layout);
        double magnitude = 1 + 0.1 * Math.Log(40);
        Assert.Equal(magnitude * magnitude / Math.Sqrt(192), config.AttentionScale!.Value, 1e-7);
        Assert.Equal(
            new RouterShape(256, 8, RouterScores.Sigmoid) { Groups = 8, ChosenGroups = 4, GroupsBySumOfTwo = true, Renormalized = true, Scale = 2.5f }, config.Experts!.Router);
    }

    [Theory]
    [InlineData("greedy", 1, 1)]
    [InlineData("group_limited_greedy", 2, 1)]
    public void ReadConfig_DeepSeekV2_HasItsOwnRouter(string method, int groups, int chosen)
    {
        ModelConfig config = Read("deepseek-v3", json =>
        {
            json["model_type"] = "deepseek_v2";
            json["q_lora_rank"] = null;
            json["topk_method"] = method;
        });
        Assert.Equal(("deepseek-v2", 0, false), (config.Family, config.Latent!.QueryRank, config.Experts!.Corrections));
        Assert.Equal(new RouterShape(8, 2, RouterScores.Softmax) { Groups = groups, ChosenGroups = chosen, Scale = 2.5f }, config.Experts.Router);
    }

    [Fact]
    public void ReadConfig_Qwen3WithDenseBlocks_KnowsThem()
    {
        ModelConfig config = Read("qwen3-moe", json =>
        {
            json["num_hidden_layers"] = 6;
            json["decoder_sparse_step"] = 2;
            json["mlp_only_layers"] = new JsonArray(3);
            json["norm_topk_prob"] = false;
        });
        Assert.Equal([false, true, false, false, false, true], Enumerable.Range(0, 6).Select(config.Experts!.In));
        Assert.Equal(RouterScores.Softmax, config.Experts!.Router.Scores);
    }

    [Fact]
    public void ToCanonicalBytes_AnotherRouter_IsAnotherIdentity()
    {
        byte[] three = Read("mixtral", json => json["num_experts_per_tok"] = 3).ToCanonicalBytes();
        Assert.NotEqual(three, Read("mixtral", _ => { }).ToCanonicalBytes());
        Assert.NotEqual(
            Read("gpt-oss", json => json["swiglu_limit"] = 6).ToCanonicalBytes(), Read("gpt-oss", _ => { }).ToCanonicalBytes());
        Assert.NotEqual(
            Read("deepseek-v3", json => json["n_group"] = 4).ToCanonicalBytes(), Read("deepseek-v3", _ => { }).ToCanonicalBytes());
    }

    [Theory]
    [InlineData("mixtral", "num_experts_per_tok", "5", ModelError.CorruptModel, "5 experts a token, expected at most the 4")]
    [InlineData("mixtral", "num_local_experts", "1", ModelError.CorruptModel, "num_local_experts = 1, expected an integer from 2")]
    [InlineData("deepseek-v3", "n_group", "3", ModelError.CorruptModel, "8 experts in 3 groups, expected equal groups")]
    [InlineData("deepseek-v3", "n_group", "8", ModelError.CorruptModel, "1 of 8 groups of experts")]
    [InlineData("deepseek-v3", "kv_lora_rank", "12", ModelError.UnsupportedModel, "a latent of 12")]
    [InlineData("deepseek-v3", "attention_bias", "true", ModelError.UnsupportedModel, "attention_bias = true")]
    [InlineData("qwen3-moe", "mlp_only_layers", "[-1]", ModelError.CorruptModel, "mlp_only_layers = -1")]
    [InlineData("gpt-oss", "swiglu_limit", "0", ModelError.CorruptModel, "swiglu_limit = 0")]
    public void ReadConfig_FieldOutOfRange_NamesItAndWhatWasExpected(string family, string field, string value, ModelError error, string message)
    {
        ModelException exception = Assert.Throws<ModelException>(() => Read(family, json => json[field] = JsonNode.Parse(value)));
        Assert.Equal(error, exception.Error);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    private static ModelConfig Read(string family, Action<JsonObject> change)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(TestData.Path($"families/{family}/config.json")))!.AsObject();
        change(json);
        using System.Text.Json.JsonDocument document = JsonFile.Parse(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), "config.json");
        return HuggingFaceDescription.ReadConfig(document.RootElement, "config.json", null);
    }
}
