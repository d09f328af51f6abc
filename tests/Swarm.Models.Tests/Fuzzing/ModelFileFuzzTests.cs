using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Swarm.Models.Files;
using Swarm.Models.Tests.Files;
using Swarm.Testing;
using Swarm.Testing.Fuzzing;
using Xunit.Abstractions;

namespace Swarm.Models.Tests.Fuzzing;

/// <summary>Broken model files: what is opened is also read, as far as a loader would.</summary>
public sealed class ModelFileFuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void Gguf_BrokenFile_FailsOnlyAsPromised()
    {
        byte[] model = LlamaGguf();
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "GGUF",
                Seeds = [model, model, File.ReadAllBytes(TestData.Path("gguf/small.gguf"))],
                // Version, tensor count and metadata count are the integers at fixed places.
                Mutators = [new ByteMutator { Fields = [4, 8, 16], Signature = 24 }, new ByteMutator { Fields = Integers(model), Signature = 8 }],
                Parse = ReadGguf,
                TypedError = ModelErrors.Typed,
                PassedHeader = (bytes, _) => bytes.Length > 24 && bytes.AsSpan(0, 4).SequenceEqual("GGUF"u8) && bytes[4] is 2 or 3
                    && BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8)) <= LoaderLimits.MaxTensors && BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16)) <= LoaderLimits.MaxMetadataKeys,
            },
            output);
    }

    [Fact]
    public void Safetensors_BrokenFile_FailsOnlyAsPromised()
    {
        byte[] seed = SmallSafetensors();
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "safetensors",
                Seeds = [seed],
                Mutators =
                [
                    new JsonMutator { Unwrap = file => file[8..(8 + (int)BitConverter.ToUInt64(file))], Wrap = (file, json) => Frame(json, file[(8 + (int)BitConverter.ToUInt64(file))..]) },
                    new ByteMutator { Fields = [0], Mend = MendLength },
                ],
                Parse = ReadSafetensors,
                TypedError = ModelErrors.Typed,
                PassedHeader = (_, error) => error is null || !(error.Message.Contains("header", StringComparison.Ordinal) || error.Message.Contains("expected at least the 8", StringComparison.Ordinal)),
            },
            output);
    }

    [Fact]
    public void ShardIndex_BrokenText_FailsOnlyAsPromised()
    {
        byte[] shard = SmallSafetensors();
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "index of shards",
                Seeds =
                [
                    """{"metadata":{"total_size":72},"weight_map":{"a":"m-1.safetensors","b":"m-1.safetensors","c":"m-1.safetensors","d":"m-1.safetensors","z":"absent.safetensors"}}"""u8.ToArray(),
                ],
                Mutators = [new JsonMutator(), new JsonMutator(), new ByteMutator()],
                Parse = bytes =>
                {
                    using JsonDocument document = JsonFile.Parse(bytes, "model.safetensors.index.json");
                    using ShardedSafetensors store = ShardedSafetensors.Open(
                        "model.safetensors.index.json", document.RootElement, path => path == "m-1.safetensors" ? SafetensorsFile.Open(new MappedFile(path, shard)) : null);
                    foreach (TensorInfo tensor in store.Tensors.Where(tensor => tensor.StoredType != "absent"))
                        _ = store.Sha256(tensor);
                    return "opened";
                },
                TypedError = ModelErrors.Typed,
                PassedHeader = (_, error) => ModelErrors.PastJson(error),
            },
            output);
    }

    [Fact]
    public void SplitGguf_BrokenPart_FailsOnlyAsPromised()
    {
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "parts of a GGUF model",
                Seeds = [SplitGgufTests.Part(1, 1, 3, 3), SplitGgufTests.Part(1, 1, 3, 3)],
                Mutators = [new ByteMutator { Fields = [4, 8, 16], Signature = 24 }, new ByteMutator { Fields = Integers(SplitGgufTests.Part(1, 1, 3, 3)), Signature = 8 }],
                Parse = bytes =>
                {
                    using SplitGguf store = SplitGguf.Open("m", 3, path => GgufFile.Open(
                        new MappedFile(path, path == SplitGguf.PartPath("m", 0, 3) ? SplitGgufTests.Part(0, 0, 3, 3) : path == SplitGguf.PartPath("m", 1, 3) ? bytes : SplitGgufTests.Part(2, 2, 3, 3))));
                    Touch(store);
                    return "opened";
                },
                TypedError = ModelErrors.Typed,
                PassedHeader = (bytes, _) => bytes.Length > 24 && bytes.AsSpan(0, 4).SequenceEqual("GGUF"u8) && bytes[4] is 2 or 3,
            },
            output);
    }

    [Fact]
    public void ConfigJson_BrokenText_FailsOnlyAsPromised()
    {
        List<byte[]> seeds = [];
        foreach (string family in new[] { "llama", "llama-tied", "llama3-rope" })
            seeds.Add(File.ReadAllBytes(TestData.Path($"families/{family}/config.json")));
        seeds.Add("""
            {"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_attention_heads":4,"num_key_value_heads":2,"num_hidden_layers":2,"vocab_size":99,"max_position_embeddings":512,
            "rms_norm_eps":1e-5,"rope_theta":10000,"rope_scaling":{"rope_type":"linear","factor":2.0},"tie_word_embeddings":true,"bos_token_id":1,"eos_token_id":[2,3],"hidden_act":"silu"}
            """u8.ToArray());
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "config.json",
                Seeds = seeds,
                Mutators = [new JsonMutator(), new JsonMutator(), new ByteMutator()],
                Parse = bytes =>
                {
                    using JsonDocument document = JsonFile.Parse(bytes, "config.json");
                    HuggingFaceDescription.ReadConfig(document.RootElement, "config.json", null).ToCanonicalBytes();
                    return "read";
                },
                TypedError = ModelErrors.Typed,
                PassedHeader = (_, error) => ModelErrors.PastJson(error),
            },
            output);
    }

    [Fact]
    public void Manifest_BrokenBytes_FailsOnlyAsPromised()
    {
        using SafetensorsFile file = SafetensorsFile.Open(new MappedFile("seed.safetensors", SmallSafetensors()));
        FuzzCheck.Run(
            new FuzzTarget
            {
                Name = "manifest",
                Seeds = [ModelManifest.Create(file).Bytes.ToArray()],
                Mutators = [new ByteMutator { Fields = [5], Signature = 5 }],
                Parse = bytes => $"{ModelManifest.Parse(bytes).Entries.Count} tensors",
                TypedError = ModelErrors.Typed,
                PassedHeader = (bytes, _) => bytes.AsSpan().StartsWith("SWMF1"u8),
            },
            output);
    }

    private static string ReadGguf(byte[] bytes)
    {
        GgufFile file = GgufFile.Open(new MappedFile("model.gguf", bytes));
        using ModelSource source = ModelSource.OpenFile(file, file.Metadata, "model.gguf", "model");
        GgufMetadata metadata = source.Metadata!;
        foreach (string key in metadata.Keys)
        {
            _ = metadata.TypeOf(key);
            _ = metadata.TryGetBool(key, out _) || metadata.TryGetString(key, out _) || metadata.TryGetInteger(key, out _) || metadata.TryGetUnsigned(key, out _) || metadata.TryGetNumber(key, out _)
                || metadata.TryGetStrings(key, out _) || metadata.TryGetIntegers(key, out _) || metadata.TryGetNumbers(key, out _);
        }

        Touch(source.Tensors);
        _ = source.ChatTemplateText;
        // The file of every value type is no model.
        if (metadata.TypeOf("llama.embedding_length") is null)
            return "opened";
        _ = source.Config;
        _ = source.Tokenizer?.Encode("a b");
        return "model";
    }

    private static string ReadSafetensors(byte[] bytes)
    {
        SafetensorsFile file = SafetensorsFile.Open(new MappedFile("model.safetensors", bytes));
        using var floats = new Float8Tensors(file, (2, 2));
        Touch(floats);
        return "opened";
    }

    /// <summary>Reads every tensor that a kernel could read, the first and the last row.</summary>
    private static void Touch(ITensorStore store)
    {
        foreach (TensorInfo tensor in store.Tensors)
        {
            _ = store.Sha256(tensor);
            if (tensor.Format is null || tensor.Rows == 0)
                continue;
            _ = store.Rows(tensor, 0, 1);
            _ = store.Rows(tensor, tensor.Rows - 1, 1);
            if (tensor.Shape.Count == 1)
                _ = store.ReadVector(tensor.Name);
        }
    }

    private static byte[] LlamaGguf()
    {
        string[] tokens = [.. Enumerable.Range(33, 94).Select(c => ((char)c).ToString()), "Ġ", "Ġa", "ab", "<s>", "</s>"];
        GgufBuilder builder = new GgufBuilder().String("general.architecture", "llama").String("general.name", "tiny").UInt32("general.alignment", 32)
            .UInt32("llama.block_count", 1).UInt32("llama.context_length", 64).UInt32("llama.embedding_length", 32).UInt32("llama.feed_forward_length", 64)
            .UInt32("llama.attention.head_count", 2).UInt32("llama.attention.head_count_kv", 1).Float32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .UInt32("llama.rope.dimension_count", 16).Float32("llama.rope.freq_base", 10000).UInt32("llama.vocab_size", (uint)tokens.Length)
            .String("tokenizer.ggml.model", "gpt2").String("tokenizer.ggml.pre", "smollm").String("tokenizer.chat_template", "{{ messages[0].content }}")
            .UInt32("tokenizer.ggml.bos_token_id", (uint)tokens.Length - 2).UInt32("tokenizer.ggml.eos_token_id", (uint)tokens.Length - 1)
            .Raw("tokenizer.ggml.add_bos_token", 7, [0])
            .Raw("tokenizer.ggml.tokens", 9, Strings(tokens)).Raw("tokenizer.ggml.merges", 9, Strings(["Ġ a", "a b"]))
            .Raw("tokenizer.ggml.token_type", 9, Int32s([.. tokens.Select(token => token.StartsWith('<') && token.Length > 1 ? 3 : 1)]));
        builder.Tensor("token_embd.weight", [32, (ulong)tokens.Length], 0, new byte[32 * 4 * tokens.Length]).Tensor("output_norm.weight", [32], 0, new byte[128]);
        foreach ((string name, ulong rows, ulong columns) in new[]
        {
            ("attn_q", 32UL, 32UL), ("attn_k", 16UL, 32UL), ("attn_v", 16UL, 32UL), ("attn_output", 32UL, 32UL), ("ffn_gate", 64UL, 32UL), ("ffn_up", 64UL, 32UL), ("ffn_down", 32UL, 64UL),
        })
            builder.Tensor($"blk.0.{name}.weight", [columns, rows], 8, new byte[rows * columns / 32 * 34]);
        builder.Tensor("blk.0.attn_norm.weight", [32], 0, new byte[128]).Tensor("blk.0.ffn_norm.weight", [32], 0, new byte[128]);
        return builder.Build();
    }

    /// <summary>Places of what look like lengths, types and counts: 32-bit numbers that are small and followed by zeros.</summary>
    private static List<int> Integers(byte[] file)
    {
        var places = new List<int>();
        for (int at = 24; at + 8 < Math.Min(file.Length, 6000); at++)
        {
            if (file[at] != 0 && file[at + 1] < 2 && file[at + 2] == 0 && file[at + 3] == 0)
                places.Add(at);
        }

        return places;
    }

    private static byte[] Strings(string[] values)
    {
        using var stream = new MemoryStream();
        stream.Write(BitConverter.GetBytes(8u));
        stream.Write(BitConverter.GetBytes((ulong)values.Length));
        foreach (byte[] text in values.Select(Encoding.UTF8.GetBytes))
        {
            stream.Write(BitConverter.GetBytes((ulong)text.Length));
            stream.Write(text);
        }

        return stream.ToArray();
    }

    private static byte[] Int32s(int[] values) => [.. BitConverter.GetBytes(5u), .. BitConverter.GetBytes((ulong)values.Length), .. values.SelectMany(BitConverter.GetBytes)];

    private static byte[] SmallSafetensors() => Frame(
        """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]},"b":{"dtype":"BF16","shape":[8],"data_offsets":[32,48]},"c":{"dtype":"F16","shape":[2,2,2],"data_offsets":[48,64]},"d":{"dtype":"I64","shape":[1],"data_offsets":[64,72]},"e":{"dtype":"U8","shape":[0],"data_offsets":[72,72]},"f":{"dtype":"F8_E4M3","shape":[3,4],"data_offsets":[72,84]},"f_scale_inv":{"dtype":"F32","shape":[2,2],"data_offsets":[84,100]},"g":{"dtype":"F8_E5M2","shape":[2,2],"data_offsets":[100,104]},"g_scale":{"dtype":"BF16","shape":[2,1],"data_offsets":[104,108]},"h":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[108,112]}}"""u8.ToArray(),
        [.. Enumerable.Range(0, 112).Select(i => (byte)i)]);

    private static byte[] Frame(byte[] json, byte[] data) => [.. BitConverter.GetBytes((ulong)json.Length), .. json, .. data];

    /// <summary>Makes the header's length that of the JSON object again, where there is one.</summary>
    private static byte[] MendLength(byte[] file)
    {
        int end = Array.LastIndexOf(file, (byte)'}');
        if (file.Length > 8 && end > 8)
            BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)(end - 7));
        return file;
    }
}
