using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Swarm.Testing.Hub;

/// <summary>A seeded model of the Llama shape in Hugging Face layout, in several files with an index: 30 blocks in three by default.</summary>
public static class ShardedLlama
{
    private const int Hidden = 128;
    private const int FeedForward = 256;
    private const int Vocabulary = 512;

    /// <summary>Its files by name.</summary>
    public static Dictionary<string, byte[]> Files(int blocks = 30, int shards = 3, int seed = 5)
    {
        var random = new Random(seed);
        var shardOf = new Dictionary<string, string>(StringComparer.Ordinal);
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            ["config.json"] = Encoding.UTF8.GetBytes(
                $$"""
                {"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_act":"silu","hidden_size":{{Hidden}},"intermediate_size":{{FeedForward}},"num_hidden_layers":{{blocks}},
                "num_attention_heads":4,"num_key_value_heads":2,"head_dim":32,"max_position_embeddings":256,"rms_norm_eps":1e-5,"rope_theta":10000.0,"tie_word_embeddings":true,
                "vocab_size":{{Vocabulary}},"torch_dtype":"float32"}
                """),
        };
        for (int shard = 0; shard < shards; shard++)
        {
            List<(string Name, int[] Shape)> tensors = [];
            if (shard == 0)
                tensors.Add(("model.embed_tokens.weight", [Vocabulary, Hidden]));
            for (int block = blocks * shard / shards; block < blocks * (shard + 1) / shards; block++)
            {
                string name = $"model.layers.{block}.";
                tensors.Add((name + "input_layernorm.weight", [Hidden]));
                tensors.Add((name + "self_attn.q_proj.weight", [Hidden, Hidden]));
                tensors.Add((name + "self_attn.k_proj.weight", [Hidden / 2, Hidden]));
                tensors.Add((name + "self_attn.v_proj.weight", [Hidden / 2, Hidden]));
                tensors.Add((name + "self_attn.o_proj.weight", [Hidden, Hidden]));
                tensors.Add((name + "post_attention_layernorm.weight", [Hidden]));
                tensors.Add((name + "mlp.gate_proj.weight", [FeedForward, Hidden]));
                tensors.Add((name + "mlp.up_proj.weight", [FeedForward, Hidden]));
                tensors.Add((name + "mlp.down_proj.weight", [Hidden, FeedForward]));
            }

            if (shard == shards - 1)
                tensors.Add(("model.norm.weight", [Hidden]));
            string file = shards == 1 ? "model.safetensors" : $"model-{shard + 1:00000}-of-{shards:00000}.safetensors";
            tensors.ForEach(tensor => shardOf.Add(tensor.Name, file));
            files.Add(file, Shard(tensors, random));
        }

        if (shards > 1)
            files.Add("model.safetensors.index.json", JsonSerializer.SerializeToUtf8Bytes(new { metadata = new { total_size = files.Values.Sum(bytes => (long)bytes.Length) }, weight_map = shardOf }));
        return files;
    }

    private static byte[] Shard(List<(string Name, int[] Shape)> tensors, Random random)
    {
        var header = new StringBuilder("{");
        int offset = 0;
        foreach ((string name, int[] shape) in tensors)
        {
            int bytes = 4 * shape.Aggregate(1, (product, length) => product * length);
            header.Append(header.Length > 1 ? "," : "").Append($"\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[{offset},{offset + bytes}]}}");
            offset += bytes;
        }

        header.Append('}');
        while (header.Length % 8 != 0)
            header.Append(' ');
        byte[] file = new byte[8 + header.Length + offset];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        Encoding.ASCII.GetBytes(header.ToString(), file.AsSpan(8));
        for (int at = 8 + header.Length; at < file.Length; at += 4)
            BinaryPrimitives.WriteSingleLittleEndian(file.AsSpan(at), (random.NextSingle() - 0.5f) * 0.2f);
        return file;
    }
}
