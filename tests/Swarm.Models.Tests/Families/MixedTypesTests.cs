using Swarm.Kernels;
using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;
using Swarm.Models.Tests.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests.Families;

/// <summary>A GGUF file whose matrices have different types, as the usual mixtures have them (embedding and some values and downs finer than the rest).</summary>
public sealed class MixedTypesTests
{
    private const int Hidden = 256, FeedForward = 512, Vocabulary = 96;

    private static readonly int[] s_ids = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4, 3, 3, 8, 3, 2, 7, 9, 5, 0, 2, 8, 80, 95];

    private static readonly (string Name, int Rows, int Columns, WeightFormat First, WeightFormat Second)[] s_matrices =
    [
        ("attn_q", 256, Hidden, WeightFormat.Q4_K, WeightFormat.Q5_0),
        ("attn_k", 128, Hidden, WeightFormat.Q4_K, WeightFormat.Q3_K),
        ("attn_v", 128, Hidden, WeightFormat.Q6_K, WeightFormat.Q5_1),
        ("attn_output", Hidden, 256, WeightFormat.Q5_K, WeightFormat.IQ4_XS),
        ("ffn_gate", FeedForward, Hidden, WeightFormat.Q4_K, WeightFormat.IQ4_NL),
        ("ffn_up", FeedForward, Hidden, WeightFormat.Q4_K, WeightFormat.MXFP4),
        ("ffn_down", Hidden, FeedForward, WeightFormat.Q6_K, WeightFormat.Q2_K),
    ];

    [Fact]
    public void Logits_MixedTypes_AreCloseToTheReference()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("mixed.gguf", Build());
        using var reference = new ModelRunner(path, new ReferenceKernels());
        using var canonical = new ModelRunner(path, new CpuKernels(2));
        float[] expected = reference.Logits(s_ids), actual = canonical.Logits(s_ids);
        double error = Math.Sqrt(expected.Zip(actual, (a, b) => (double)(a - b) * (a - b)).Sum() / expected.Sum(a => (double)a * a));
        Assert.InRange(Math.Sqrt(expected.Average(value => (double)value * value)), 0.1, 10);

        // Activations are rounded to 8 bits before each of the 15 products.
        Assert.InRange(error, 1e-4, 0.03);
    }

    [Fact]
    public void Logits_MixedTypes_SameBitsAtEveryWidthAndInUnevenSteps()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("mixed.gguf", Build());
        using var scalar = new ModelRunner(path, new CpuKernels(1, CpuWidth.Scalar));
        float[] expected = scalar.Logits(s_ids);
        foreach (CpuWidth width in new[] { CpuWidth.Vector128, CpuWidth.Vector256, CpuWidth.Vector512 })
        {
            using var runner = new ModelRunner(path, new CpuKernels(2, width));
            Numbers.AssertSameBits(expected, runner.Logits(s_ids), width.ToString());
            Numbers.AssertSameBits(expected, runner.Logits(s_ids, 5, 1, 1, 13, 4), $"{width} in steps");
        }
    }

    [Fact]
    public void Tensors_MixedTypes_AreListedByTheirTypes()
    {
        using var folder = new TemporaryFolder();
        using GgufFile file = GgufFile.Open(folder.Write("mixed.gguf", Build()));
        Assert.Equal(
            ["Q6_K", "F32", "Q4_K", "Q4_K", "Q6_K", "Q5_K", "Q4_K", "Q4_K", "Q6_K", "F32", "F32", "Q5_0", "Q3_K", "Q5_1", "IQ4_XS", "IQ4_NL", "MXFP4", "Q2_K", "F32", "F32"],
            file.Tensors.Select(tensor => tensor.StoredType));
        Assert.All(file.Tensors, tensor => Assert.NotNull(tensor.Format));
    }

    private static byte[] Build()
    {
        GgufBuilder builder = new GgufBuilder().String("general.architecture", "llama").UInt32("llama.block_count", 2).UInt32("llama.context_length", 64)
            .UInt32("llama.embedding_length", Hidden).UInt32("llama.feed_forward_length", FeedForward).UInt32("llama.attention.head_count", 4)
            .UInt32("llama.attention.head_count_kv", 2).Float32("llama.attention.layer_norm_rms_epsilon", 1e-5f).UInt32("llama.rope.dimension_count", 64)
            .Float32("llama.rope.freq_base", 10000).UInt32("llama.vocab_size", Vocabulary);
        Matrix("token_embd.weight", Vocabulary, Hidden, WeightFormat.Q6_K);
        Norm("output_norm.weight");
        for (int block = 0; block < 2; block++)
        {
            foreach ((string name, int rows, int columns, WeightFormat first, WeightFormat second) in s_matrices)
                Matrix($"blk.{block}.{name}.weight", rows, columns, block == 0 ? first : second);
            Norm($"blk.{block}.attn_norm.weight");
            Norm($"blk.{block}.ffn_norm.weight");
        }

        return builder.Build();

        void Norm(string name)
        {
            byte[] ones = new byte[Hidden * 4];
            for (int i = 0; i < Hidden; i++)
                BitConverter.TryWriteBytes(ones.AsSpan(4 * i), 1f + i % 5 * 0.05f);
            builder.Tensor(name, [Hidden], 0, ones);
        }

        void Matrix(string name, int rows, int columns, WeightFormat format)
        {
            byte[] stored = new byte[rows * WeightFormats.RowBytes(format, columns)];
            int group = WeightFormats.GroupBytes(format);
            ulong seed = name.Aggregate(0UL, (sum, letter) => sum * 1_000_003 + letter);
            for (int i = 0; i < stored.Length / group; i++)
                RandomGroup.Write(format, stored.AsSpan(i * group, group), seed + (ulong)i * 32 * RandomGroup.Golden, 1 / MathF.Sqrt(columns));
            builder.Tensor(name, [(ulong)columns, (ulong)rows], GgufTypes.Number(format), stored);
        }
    }
}
