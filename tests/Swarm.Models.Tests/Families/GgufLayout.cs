using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;
using Swarm.Models.Tests.Files;

namespace Swarm.Models.Tests.Families;

/// <summary>
/// Writes a small model of a family as converters of GGUF lay it out: names, metadata keys, and what they do with values. Kept apart from the reader's own tables, after the
/// format's public description.
/// </summary>
internal static class GgufLayout
{
    // Of each family: the architecture, the begin of a block's names in checkpoints, and names without their ends. A mark says what is done with the values.
    private static readonly Dictionary<string, (string Architecture, string Block, string Names)> Families = new()
    {
        ["llama"] = ("llama", "model.layers.", Common + "self_attn.q_proj=attn_q:turned self_attn.k_proj=attn_k:turned" + Gated),
        ["llama-tied"] = ("llama", "model.layers.", Common + "self_attn.q_proj=attn_q:turned self_attn.k_proj=attn_k:turned" + Gated),
        ["mistral-window"] = ("llama", "model.layers.", Common + "self_attn.q_proj=attn_q:turned self_attn.k_proj=attn_k:turned" + Gated),
        ["qwen2"] = ("qwen2", "model.layers.", Common + "self_attn.q_proj=attn_q self_attn.k_proj=attn_k" + Gated),
        ["qwen3"] = ("qwen3", "model.layers.", Common + "self_attn.q_proj=attn_q self_attn.k_proj=attn_k self_attn.q_norm=attn_q_norm self_attn.k_norm=attn_k_norm" + Gated),
        ["olmo2"] = ("olmo2", "model.layers.", Ends + "self_attn.q_proj=attn_q self_attn.k_proj=attn_k self_attn.v_proj=attn_v self_attn.o_proj=attn_output "
            + "self_attn.q_norm=attn_q_norm self_attn.k_norm=attn_k_norm post_attention_layernorm=post_attention_norm post_feedforward_layernorm=post_ffw_norm" + Gated),
        ["gemma2"] = ("gemma2", "model.layers.", Gemma + Gated),
        ["gemma3"] = ("gemma3", "model.layers.", Gemma + "self_attn.q_norm=attn_q_norm:more self_attn.k_norm=attn_k_norm:more" + Gated),
        ["phi"] = ("phi2", "model.layers.", "model.embed_tokens=token_embd model.final_layernorm=output_norm lm_head=output input_layernorm=attn_norm self_attn.q_proj=attn_q "
            + "self_attn.k_proj=attn_k self_attn.v_proj=attn_v self_attn.dense=attn_output mlp.fc1=ffn_up mlp.fc2=ffn_down"),
        ["phi3"] = ("phi3", "model.layers.", Ends + "input_layernorm=attn_norm self_attn.qkv_proj=attn_qkv self_attn.o_proj=attn_output post_attention_layernorm=ffn_norm "
            + "mlp.gate_up_proj=ffn_up mlp.down_proj=ffn_down"),
        ["gpt-neox"] = ("gptneox", "gpt_neox.layers.", "gpt_neox.embed_in=token_embd gpt_neox.final_layer_norm=output_norm embed_out=output input_layernorm=attn_norm "
            + "attention.query_key_value=attn_qkv:apart attention.dense=attn_output post_attention_layernorm=ffn_norm mlp.dense_h_to_4h=ffn_up mlp.dense_4h_to_h=ffn_down"),
        ["bloom"] = ("bloom", "transformer.h.", "transformer.word_embeddings=token_embd transformer.word_embeddings_layernorm=token_embd_norm transformer.ln_f=output_norm "
            + "input_layernorm=attn_norm self_attention.query_key_value=attn_qkv:apart self_attention.dense=attn_output post_attention_layernorm=ffn_norm "
            + "mlp.dense_h_to_4h=ffn_up mlp.dense_4h_to_h=ffn_down"),
        ["falcon"] = ("falcon", "transformer.h.", "transformer.word_embeddings=token_embd transformer.ln_f=output_norm ln_attn=attn_norm_2 ln_mlp=attn_norm "
            + "self_attention.query_key_value=attn_qkv:apart self_attention.dense=attn_output mlp.dense_h_to_4h=ffn_up mlp.dense_4h_to_h=ffn_down"),
        ["gpt2"] = ("gpt2", "transformer.h.", "transformer.wte=token_embd transformer.wpe=position_embd transformer.ln_f=output_norm ln_1=attn_norm attn.c_attn=attn_qkv:other "
            + "attn.c_proj=attn_output:other ln_2=ffn_norm mlp.c_fc=ffn_up:other mlp.c_proj=ffn_down:other"),
    };

    private const string Ends = "model.embed_tokens=token_embd model.norm=output_norm lm_head=output ";
    private const string Common = Ends + "input_layernorm=attn_norm self_attn.v_proj=attn_v self_attn.o_proj=attn_output post_attention_layernorm=ffn_norm ";
    private const string Gated = " mlp.gate_proj=ffn_gate mlp.up_proj=ffn_up mlp.down_proj=ffn_down";
    private const string Gemma = "model.embed_tokens=token_embd model.norm=output_norm:more input_layernorm=attn_norm:more self_attn.q_proj=attn_q self_attn.k_proj=attn_k "
        + "self_attn.v_proj=attn_v self_attn.o_proj=attn_output post_attention_layernorm=post_attention_norm:more pre_feedforward_layernorm=ffn_norm:more "
        + "post_feedforward_layernorm=post_ffw_norm:more ";

    public static IEnumerable<string> Names => Families.Keys;

    /// <summary>The bytes of a GGUF file with the model of a folder.</summary>
    public static byte[] Convert(string family, string folder)
    {
        (string architecture, string blockPrefix, string names) = Families[family];
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "config.json")));
        JsonElement config = json.RootElement;
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        var builder = new GgufBuilder();
        builder.String("general.architecture", architecture);
        WriteMetadata(builder, architecture, config);
        Dictionary<string, (string Name, string Mark)> map = names.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => pair.Split('=', ':')).ToDictionary(parts => parts[0], parts => (parts[1], parts.Length > 2 ? parts[2] : ""));
        foreach (TensorInfo tensor in file.Tensors)
            Write(builder, file, tensor, blockPrefix, map, config);
        return builder.Build();
    }

    private static void WriteMetadata(GgufBuilder builder, string architecture, JsonElement config)
    {
        uint Of(params string[] names) =>
            (uint)names.Select(name => config.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetInt32() : -1).FirstOrDefault(n => n >= 0, 0);
        void Integer(string name, uint value) => builder.UInt32($"{architecture}.{name}", value);
        void Number(string name, float value) => builder.Float32($"{architecture}.{name}", value);

        uint hidden = Of("hidden_size", "n_embd"), heads = Of("num_attention_heads", "n_head"), headDimension = Of("head_dim") is > 0 and var own ? own : hidden / heads;
        uint keyValueHeads = Of("num_key_value_heads", "num_kv_heads") is > 0 and var some ? some : heads;
        Integer("context_length", Of("max_position_embeddings", "n_positions") is > 0 and var context ? context : 2048);
        Integer("embedding_length", hidden);
        Integer("block_count", Of("num_hidden_layers", "n_layer"));
        Integer("feed_forward_length", Of("intermediate_size", "ffn_hidden_size") is > 0 and var inner ? inner : 4 * hidden);
        Integer("attention.head_count", heads);
        Integer("attention.head_count_kv", keyValueHeads);
        if (headDimension != hidden / heads)
            Integer("attention.key_length", headDimension);
        bool rms = config.TryGetProperty("rms_norm_eps", out JsonElement epsilon);
        if (!rms && !config.TryGetProperty("layer_norm_eps", out epsilon))
            epsilon = config.GetProperty("layer_norm_epsilon");
        Number(rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", epsilon.GetSingle());
        if (config.TryGetProperty("rope_parameters", out JsonElement rotary))
        {
            if (rotary.TryGetProperty("full_attention", out JsonElement full))
                rotary = full;
            Number("rope.freq_base", rotary.GetProperty("rope_theta").GetSingle());
            float share = rotary.TryGetProperty("partial_rotary_factor", out JsonElement partial) ? partial.GetSingle() : 1;
            Integer("rope.dimension_count", (uint)(share * headDimension));
        }

        if (Of("sliding_window") is > 0 and var window)
            Integer("attention.sliding_window", window);
        foreach (string cap in new[] { "attn_logit_softcapping", "final_logit_softcapping" })
        {
            if (config.TryGetProperty(cap, out JsonElement value) && value.ValueKind == JsonValueKind.Number)
                Number(cap, value.GetSingle());
        }

        // Of the small models every second block has none; published ones of Gemma 3 say nothing, and every sixth has none.
        if (architecture == "gemma3")
            builder.Raw("gemma3.attention.sliding_window_pattern", 9, [7, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
        if (architecture == "gptneox")
            builder.Raw("gptneox.use_parallel_residual", 7, [1]);
    }

    private static void Write(
        GgufBuilder builder, SafetensorsFile file, TensorInfo tensor, string blockPrefix, Dictionary<string, (string Name, string Mark)> map, JsonElement config)
    {
        string name = tensor.Name, block = "";
        if (name.StartsWith(blockPrefix, StringComparison.Ordinal))
        {
            int dot = name.IndexOf('.', blockPrefix.Length);
            block = string.Create(CultureInfo.InvariantCulture, $"blk.{name[blockPrefix.Length..dot]}.");
            name = name[(dot + 1)..];
        }

        string end = name[name.LastIndexOf('.')..];
        (string ggufName, string mark) = map[name[..^end.Length]];
        float[] values = Numbers.Floats(file, tensor.Name);
        (int rows, int columns) = tensor.Shape.Count == 2 ? ((int)tensor.Shape[0], (int)tensor.Shape[1]) : ((int)tensor.Shape[0], 1);
        int heads = config.TryGetProperty("num_attention_heads", out JsonElement given) ? given.GetInt32() : config.GetProperty("n_head").GetInt32();
        int groups = config.TryGetProperty("num_kv_heads", out JsonElement kv) ? kv.GetInt32() : heads;
        switch (mark)
        {
            case "more":
                values = [.. values.Select(value => value + 1)];
                break;
            case "turned":
                // Of each head the two halves become neighbours.
                int size = config.GetProperty("head_dim").GetInt32();
                values = Reorder(values, columns, row => row / size * size + (row % size % 2 * (size / 2)) + (row % size / 2));
                break;
            case "apart":
                values = Apart(values, rows, columns, heads, groups);
                break;
            case "other" when columns > 1:
                values = [.. Enumerable.Range(0, values.Length).Select(i => values[(i % rows * columns) + (i / rows)])];
                (rows, columns) = (columns, rows);
                break;
        }

        ulong[] shape = tensor.Shape.Count == 2 ? [(ulong)columns, (ulong)rows] : [(ulong)rows];
        builder.Tensor(block + ggufName + end, shape, 0, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }

    // Queries, key and value of each group become all queries, all keys, all values.
    private static float[] Apart(float[] values, int rows, int columns, int heads, int groups)
    {
        int perGroup = heads / groups, size = rows / (groups * (perGroup + 2));
        var order = new List<int>();
        foreach ((int first, int count) in new[] { (0, perGroup), (perGroup, 1), (perGroup + 1, 1) })
        {
            for (int group = 0; group < groups; group++)
                order.AddRange(Enumerable.Range(((group * (perGroup + 2)) + first) * size, count * size));
        }

        return Reorder(values, columns, row => order[row]);
    }

    private static float[] Reorder(float[] values, int columns, Func<int, int> source) =>
        [.. Enumerable.Range(0, values.Length).Select(i => values[(source(i / columns) * columns) + (i % columns)])];
}
