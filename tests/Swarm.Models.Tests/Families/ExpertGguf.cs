using System.Runtime.InteropServices;
using System.Text.Json;
using Swarm.Kernels;
using Swarm.Models.Files;
using Swarm.Models.Tests.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests.Families;

/// <summary>Writes golden models with experts as GGUF files: names, metadata and layouts as the format's own converter gives them, values in F32.</summary>
internal sealed class ExpertGguf : IDisposable
{
    private readonly SafetensorsFile _model;
    private readonly JsonElement _config;
    private readonly GgufBuilder _builder = new();
    private readonly string _architecture;
    private readonly bool _older;
    private readonly bool _microscaled;

    private ExpertGguf(string family, bool older, string? model = null)
    {
        _microscaled = model is not null;
        _model = SafetensorsFile.Open(model ?? TestData.Path($"families/{family}/model.safetensors"));
        _config = JsonDocument.Parse(File.ReadAllBytes(TestData.Path($"families/{family}/config.json"))).RootElement;
        _older = older;
        _architecture = family switch
        {
            "mixtral" => "llama",
            "qwen3-moe" => "qwen3moe",
            "glm4-moe" => "glm4moe",
            "deepseek-v3" => "deepseek2",
            _ => family,
        };
    }

    /// <summary>The file's bytes.</summary>
    /// <param name="family">Which golden model.</param>
    /// <param name="older">As older converters wrote it: a tensor for each of Mixtral's experts, the two maps of DeepSeek's heads as one.</param>
    public static byte[] Write(string family, bool older = false)
    {
        using var writer = new ExpertGguf(family, older);
        return writer.Build();
    }

    /// <summary>A model of gpt-oss whose experts' values are microscaled floats, as such.</summary>
    public static byte[] WriteMicroscaled(string model)
    {
        using var writer = new ExpertGguf("gpt-oss", older: false, model);
        return writer.Build();
    }

    public void Dispose() => _model.Dispose();

    private int Blocks => Integer("num_hidden_layers");

    private int Experts => Integer(_config.TryGetProperty("n_routed_experts", out _) ? "n_routed_experts" : "num_local_experts");

    private byte[] Build()
    {
        _builder.String("general.architecture", _architecture);
        WriteMetadata();
        Matrix("token_embd.weight", "model.embed_tokens.weight");
        Vector("output_norm.weight", "model.norm.weight");
        Matrix("output.weight", "lm_head.weight");
        for (int block = 0; block < Blocks; block++)
        {
            Vector($"blk.{block}.attn_norm.weight", $"model.layers.{block}.input_layernorm.weight");
            Vector(
                $"blk.{block}.{(_architecture is "glm4moe" or "gpt-oss" ? "post_attention_norm" : "ffn_norm")}.weight",
                $"model.layers.{block}.post_attention_layernorm.weight");
            if (_architecture == "deepseek2")
                WriteLatentAttention(block);
            else
                WriteAttention(block);
            if (_architecture is "glm4moe" or "deepseek2" && block < Integer("first_k_dense_replace"))
                WriteDense(block, "mlp", string.Empty);
            else
                WriteExperts(block);
        }

        return _builder.Build();
    }

    private void WriteMetadata()
    {
        bool latent = _architecture == "deepseek2";
        Key("block_count", Blocks + (_architecture == "glm4moe" ? Integer("num_nextn_predict_layers") : 0));
        Key("context_length", Integer("max_position_embeddings"));
        Key("embedding_length", Integer("hidden_size"));
        Key("feed_forward_length", Integer("intermediate_size"));
        Key("attention.head_count", Integer("num_attention_heads"));
        Key("attention.head_count_kv", latent && !_older ? 1 : Integer("num_key_value_heads"));
        _builder.Float32($"{_architecture}.attention.layer_norm_rms_epsilon", (float)_config.GetProperty("rms_norm_eps").GetDouble());
        _builder.Float32($"{_architecture}.rope.freq_base", (float)_config.GetProperty("rope_parameters").GetProperty("rope_theta").GetDouble());
        Key("expert_count", Experts);
        Key("expert_used_count", Integer("num_experts_per_tok"));
        if (_config.TryGetProperty("moe_intermediate_size", out JsonElement inner))
            Key("expert_feed_forward_length", inner.GetInt32());
        if (_architecture == "llama")
            Key("rope.dimension_count", HeadDimension);
        else if (!latent)
            Key("attention.key_length", HeadDimension);
        if (_architecture == "gpt-oss")
            WriteWindowAndYarn();
        if (_architecture is "glm4moe" or "deepseek2")
            WriteDeepSeekMetadata();
        if (latent)
            WriteLatentMetadata();
    }

    private void WriteWindowAndYarn()
    {
        JsonElement rope = _config.GetProperty("rope_parameters");
        Key("expert_feed_forward_length", Integer("intermediate_size"));
        Key("attention.sliding_window", Integer("sliding_window"));
        _builder.String($"{_architecture}.rope.scaling.type", "yarn");
        _builder.Float32($"{_architecture}.rope.scaling.factor", (float)rope.GetProperty("factor").GetDouble());
        Key("rope.scaling.original_context_length", rope.GetProperty("original_max_position_embeddings").GetInt32());
    }

    private void WriteDeepSeekMetadata()
    {
        Key("expert_shared_count", Integer("n_shared_experts"));
        Key("leading_dense_block_count", Integer("first_k_dense_replace"));
        Key("expert_gating_func", 2);
        _builder.Float32($"{_architecture}.expert_weights_scale", (float)_config.GetProperty("routed_scaling_factor").GetDouble());
        _builder.Raw($"{_architecture}.expert_weights_norm", 7, [1]);
        if (_architecture == "glm4moe")
        {
            Key("nextn_predict_layers", Integer("num_nextn_predict_layers"));
            Key("rope.dimension_count", HeadDimension / 2);
        }
    }

    private void WriteLatentMetadata()
    {
        int rank = Integer("kv_lora_rank"), turned = Integer("qk_rope_head_dim"), head = turned + Integer("qk_nope_head_dim");
        Key("attention.q_lora_rank", Integer("q_lora_rank"));
        Key("attention.kv_lora_rank", rank);
        Key("rope.dimension_count", turned);
        Key("attention.key_length", _older ? head : rank + turned);
        Key("attention.value_length", _older ? Integer("v_head_dim") : rank);
        Key("expert_group_count", Integer("n_group"));
        Key("expert_group_used_count", Integer("topk_group"));
        if (_older)
            return;
        Key("attention.key_length_mla", head);
        Key("attention.value_length_mla", Integer("v_head_dim"));
    }

    private void WriteAttention(int block)
    {
        string from = $"model.layers.{block}.self_attn", to = $"blk.{block}";
        foreach ((string own, string their) in new[] { ("attn_q", "q_proj"), ("attn_k", "k_proj"), ("attn_v", "v_proj"), ("attn_output", "o_proj") })
        {
            (long[] shape, float[] values) = Read($"{from}.{their}.weight");
            Add($"{to}.{own}.weight", shape, _architecture == "llama" && own is "attn_q" or "attn_k" && _architecture == "llama" ? Neighbours(values, (int)shape[1]) : values);
            if (_model.TryGet($"{from}.{their}.bias", out _))
                Vector($"{to}.{own}.bias", $"{from}.{their}.bias");
        }

        foreach ((string own, string their) in new[] { ("attn_q_norm.weight", "q_norm.weight"), ("attn_k_norm.weight", "k_norm.weight"), ("attn_sinks.weight", "sinks") })
        {
            if (_model.TryGet($"{from}.{their}", out _))
                Vector($"{to}.{own}", $"{from}.{their}");
        }
    }

    private void WriteLatentAttention(int block)
    {
        string from = $"model.layers.{block}.self_attn", to = $"blk.{block}";
        Matrix($"{to}.attn_q_a.weight", $"{from}.q_a_proj.weight");
        Vector($"{to}.attn_q_a_norm.weight", $"{from}.q_a_layernorm.weight");
        Matrix($"{to}.attn_q_b.weight", $"{from}.q_b_proj.weight");
        Matrix($"{to}.attn_kv_a_mqa.weight", $"{from}.kv_a_proj_with_mqa.weight");
        Vector($"{to}.attn_kv_a_norm.weight", $"{from}.kv_a_layernorm.weight");
        Matrix($"{to}.attn_output.weight", $"{from}.o_proj.weight");
        if (_older)
        {
            Matrix($"{to}.attn_kv_b.weight", $"{from}.kv_b_proj.weight");
            return;
        }

        int heads = Integer("num_attention_heads"), plain = Integer("qk_nope_head_dim"), value = Integer("v_head_dim"), rank = Integer("kv_lora_rank");
        float[] both = Read($"{from}.kv_b_proj.weight").Values;
        var keys = new float[heads * rank * plain];
        var values = new float[heads * value * rank];
        for (int head = 0; head < heads; head++)
        {
            ReadOnlySpan<float> own = both.AsSpan(head * (plain + value) * rank, (plain + value) * rank);
            for (int row = 0; row < plain; row++)
            {
                for (int column = 0; column < rank; column++)
                    keys[(head * rank + column) * plain + row] = own[row * rank + column];
            }

            own[(plain * rank)..].CopyTo(values.AsSpan(head * value * rank));
        }

        Add($"{to}.attn_k_b.weight", [heads, rank, plain], keys);
        Add($"{to}.attn_v_b.weight", [heads, value, rank], values);
    }

    private void WriteDense(int block, string part, string suffix)
    {
        foreach ((string own, string their) in new[] { ("gate", "gate_proj"), ("up", "up_proj"), ("down", "down_proj") })
            Matrix($"blk.{block}.ffn_{own}{suffix}.weight", $"model.layers.{block}.{part}.{their}.weight");
    }

    private void WriteExperts(int block)
    {
        string mixture = $"model.layers.{block}.{(_architecture == "llama" ? "block_sparse_moe" : "mlp")}";
        if (_architecture == "gpt-oss")
        {
            WriteGptOssExperts(block, mixture);
            return;
        }

        Matrix($"blk.{block}.ffn_gate_inp.weight", $"{mixture}.gate.weight");
        if (_model.TryGet($"{mixture}.gate.e_score_correction_bias", out _))
            Vector($"blk.{block}.exp_probs_b.bias", $"{mixture}.gate.e_score_correction_bias");
        if (_model.TryGet($"{mixture}.shared_experts.gate_proj.weight", out _))
            WriteDense(block, "mlp.shared_experts", "_shexp");
        (string, string)[] maps = _architecture == "llama" ? [("gate", "w1"), ("up", "w3"), ("down", "w2")] : [("gate", "gate_proj"), ("up", "up_proj"), ("down", "down_proj")];
        foreach ((string own, string their) in maps)
        {
            (long[] Shape, float[] Values)[] all = [.. Enumerable.Range(0, Experts).Select(expert => Read($"{mixture}.experts.{expert}.{their}.weight"))];
            if (!_older)
                Add($"blk.{block}.ffn_{own}_exps.weight", [all.Length, .. all[0].Shape], [.. all.SelectMany(expert => expert.Values)]);
            for (int expert = 0; _older && expert < all.Length; expert++)
                Add($"blk.{block}.ffn_{own}.{expert}.weight", all[expert].Shape, all[expert].Values);
        }
    }

    // There stored by inputs, gates and ups taking turns.
    private void WriteGptOssExperts(int block, string mixture)
    {
        Matrix($"blk.{block}.ffn_gate_inp.weight", $"{mixture}.router.weight");
        Vector($"blk.{block}.ffn_gate_inp.bias", $"{mixture}.router.bias");
        (long[] shape, float[] both) = Read($"{mixture}.experts.gate_up_proj");
        (_, float[] bothBias) = Read($"{mixture}.experts.gate_up_proj_bias");
        (long[] downShape, float[] down) = Read($"{mixture}.experts.down_proj");
        int experts = (int)shape[0], hidden = (int)shape[1], inner = (int)shape[2] / 2;
        for (int which = 0; which < 2; which++)
        {
            string own = which == 0 ? "gate" : "up";
            Add($"blk.{block}.ffn_{own}_exps.weight", [experts, inner, hidden], Turned(both, experts, hidden, 2 * inner, which, 2));
            Add($"blk.{block}.ffn_{own}_exps.bias", [experts, inner], [.. bothBias.Where((_, i) => i % 2 == which)]);
        }

        Add($"blk.{block}.ffn_down_exps.weight", [experts, hidden, inner], Turned(down, experts, (int)downShape[1], hidden, 0, 1));
        (long[] biasShape, float[] bias) = Read($"{mixture}.experts.down_proj_bias");
        Add($"blk.{block}.ffn_down_exps.bias", biasShape, bias);
    }

    // [matrices, rows, columns] to [matrices, columns from first by step, rows].
    private static float[] Turned(float[] values, int matrices, int rows, int columns, int first, int step)
    {
        var turned = new List<float>();
        for (int matrix = 0; matrix < matrices; matrix++)
        {
            for (int column = first; column < columns; column += step)
            {
                for (int row = 0; row < rows; row++)
                    turned.Add(values[(matrix * rows + row) * columns + column]);
            }
        }

        return [.. turned];
    }

    // Rows of a head: i and i + half become neighbours.
    private float[] Neighbours(float[] values, int columns)
    {
        int head = HeadDimension;
        var moved = new float[values.Length];
        for (int row = 0; row < values.Length / columns; row++)
        {
            int place = row % head, to = row - place + (place < head / 2 ? 2 * place : 2 * (place - head / 2) + 1);
            values.AsSpan(row * columns, columns).CopyTo(moved.AsSpan(to * columns));
        }

        return moved;
    }

    private int HeadDimension =>
        _config.GetProperty("head_dim") is { ValueKind: JsonValueKind.Number } named ? named.GetInt32() : Integer("hidden_size") / Integer("num_attention_heads");

    private int Integer(string name) => _config.GetProperty(name).GetInt32();

    private void Key(string name, int value) => _builder.UInt32($"{_architecture}.{name}", (uint)value);

    private (long[] Shape, float[] Values) Read(string name)
    {
        Assert.True(_model.TryGet(name, out TensorInfo tensor), name);
        return ([.. tensor.Shape], _model.ReadVector(name));
    }

    private void Matrix(string name, string from)
    {
        (long[] shape, float[] values) = Read(from);
        Add(name, shape, values);
    }

    private void Vector(string name, string from) => Matrix(name, from);

    private void Add(string name, long[] shape, float[] values)
    {
        ulong[] dimensions = [.. shape.Reverse().Select(length => (ulong)length)];
        if (!_microscaled || !name.EndsWith("_exps.weight", StringComparison.Ordinal))
        {
            _builder.Tensor(name, dimensions, 0, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
            return;
        }

        (byte[] blocks, byte[] scales, float[] rounded) = Microscaled.Round(values);
        Assert.Equal(values, rounded);
        var stored = new byte[17 * scales.Length];
        MicroscaledRows.ToStored(blocks, scales, stored);
        _builder.Tensor(name, dimensions, 39, stored);
    }
}
