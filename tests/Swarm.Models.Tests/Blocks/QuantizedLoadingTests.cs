using Swarm.Kernels;
using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;
using Swarm.Models.Blocks;
using Swarm.Models.Families;
using Swarm.Models.Tests.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests.Blocks;

/// <summary>Float weights that become quantized ones while they are loaded.</summary>
public sealed class QuantizedLoadingTests
{
    private const string Config = """
        {"model_type":"llama","hidden_size":64,"num_attention_heads":4,"num_key_value_heads":2,"num_hidden_layers":2,"intermediate_size":96,"vocab_size":160,
         "rms_norm_eps":1e-5,"tie_word_embeddings":false,"max_position_embeddings":256}
        """;

    [Theory]
    [InlineData(WeightFormat.Q8_0)]
    [InlineData(WeightFormat.Q4_0)]
    public void Load_FloatModel_ComputesAsTheModelOfThoseQuantizedValues(WeightFormat format)
    {
        using var folder = new TemporaryFolder();
        WriteModel(folder);

        // Under the reference kernels a matrix is its values: the same values, written as floats, make the same bits.
        using var rounded = new TemporaryFolder();
        WriteModel(rounded, (name, values) => name.Contains("norm", StringComparison.Ordinal)
            ? values
            : Rounded(name.Contains("layers", StringComparison.Ordinal) ? format : WeightFormat.Q8_0, values));
        using ModelSource source = ModelSource.Open(folder.Path).WithWeights(format);
        using ModelSource expected = ModelSource.Open(rounded.Path);
        using var kernels = new ReferenceKernels();
        Numbers.AssertSameBits(Logits(expected, kernels), Logits(source, kernels), $"{format}");
        using ModelSource stored = ModelSource.Open(folder.Path);
        Assert.NotEqual(Logits(stored, kernels), Logits(source, kernels));
    }

    public static TheoryData<string> Families => [.. Directory.GetDirectories(TestData.Path("families")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    /// <summary>Joined, transposed and stacked matrices among them: whatever way a family's rows come, they are quantized as rows of the matrix.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void Load_EveryFamily_TakesWhatIsSaidAndComputesAlmostTheSame(string family)
    {
        using ModelSource source = ModelSource.Open(TestData.Path($"families/{family}")).WithWeights(WeightFormat.Q8_0);
        using ModelSource stored = ModelSource.Open(TestData.Path($"families/{family}"));
        using var kernels = new ReferenceKernels();
        using (var fast = new CpuKernels(2))
        using (BlockStack stack = BlockStack.Load(source, source.Config.AllBlocks, fast))
        {
            long held = source.HeldBytes(source.Config.AllBlocks);
            Assert.InRange(stack.WeightBytes, held, held + (held / 8));
            Assert.True(held < stored.HeldBytes(source.Config.AllBlocks) * 2 / 3, $"{held} bytes of {stored.HeldBytes(source.Config.AllBlocks)}");
        }

        float[] expected = Logits(stored, kernels), logits = Logits(source, kernels);
        double difference = 0, size = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow(logits[i] - expected[i], 2);
            size += Math.Pow(expected[i], 2);
        }

        // A router near a tie may choose another expert; rows in a wrong order would be as far away as any other model.
        Assert.NotEqual(0, difference);
        Assert.InRange(Math.Sqrt(difference / size), 0, source.Config.Experts is null ? 0.05 : 0.25);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Load_AnyThreads_SameBits(int threads)
    {
        using var folder = new TemporaryFolder();
        WriteModel(folder);
        using ModelSource source = ModelSource.Open(folder.Path).WithWeights(WeightFormat.Q4_0);
        using CpuKernels one = new(1), several = new(threads);
        Numbers.AssertSameBits(Logits(source, one), Logits(source, several), $"{threads} threads");
    }

    [Fact]
    public void Read_MoreThanAPiece_BytesAreThoseOfEachRow()
    {
        // Rows of 24 KB: a piece has 160 of them, so that 500 rows take four, the last of another length.
        const int rows = 500, columns = 6144;
        byte[] stored = new byte[rows * columns * 4];
        var values = new float[columns];
        byte[] expected = new byte[rows * (int)WeightFormats.RowBytes(WeightFormat.Q4_0, columns)];
        int rowBytes = expected.Length / rows;
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < columns; i++)
                values[i] = (((row * 131) + (i * 17)) % 1009) - 504;
            Buffer.BlockCopy(values, 0, stored, row * columns * 4, columns * 4);
            WeightQuantizer.Quantize(WeightFormat.Q4_0, values, expected.AsSpan(row * rowBytes, rowBytes));
        }

        int reads = 0;
        var quantized = new QuantizedRows("w", Read, WeightFormat.F32, WeightFormat.Q4_0, rows, columns, 3);
        for (int row = 0; row < rows; row += 16)
        {
            int count = Math.Min(16, rows - row);
            Assert.True(expected.AsSpan(row * rowBytes, count * rowBytes).SequenceEqual(quantized.Read(row, count)), $"rows from {row}");
        }

        Assert.Equal(4, reads);

        ReadOnlySpan<byte> Read(int first, int count)
        {
            reads++;
            return stored.AsSpan(first * columns * 4, count * columns * 4);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(1e6f)]
    public void Load_ValueThatNoScaleHolds_CorruptModelNamesTensorAndRow(float bad)
    {
        using var folder = new TemporaryFolder();
        WriteModel(folder, (name, values) =>
        {
            if (name == "model.layers.1.mlp.up_proj.weight")
                values[(67 * 64) + 5] = bad;
            return values;
        });
        using ModelSource source = ModelSource.Open(folder.Path).WithWeights(WeightFormat.Q8_0);
        using var kernels = new CpuKernels(3);
        var exception = Assert.Throws<ModelException>(() => BlockStack.Load(source, source.Config.AllBlocks, kernels));
        Assert.Equal(ModelError.CorruptModel, exception.Error);
        Assert.Contains("model.layers.1.mlp.up_proj.weight: row 67 has", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, TensorRole.Query, WeightFormat.F16, 64, WeightFormat.F16)]
    [InlineData(WeightFormat.Q4_0, TensorRole.Query, WeightFormat.F16, 64, WeightFormat.Q4_0)]
    [InlineData(WeightFormat.Q8_0, TensorRole.Down, WeightFormat.BF16, 64, WeightFormat.Q8_0)]
    [InlineData(WeightFormat.Q8_0, TensorRole.Down, WeightFormat.F32, 96, WeightFormat.Q8_0)]
    [InlineData(WeightFormat.Q4_0, TensorRole.Embedding, WeightFormat.F16, 64, WeightFormat.Q8_0)]
    [InlineData(WeightFormat.Q4_0, TensorRole.Head, WeightFormat.F16, 64, WeightFormat.Q8_0)]
    [InlineData(WeightFormat.Q4_0, TensorRole.PositionEmbedding, WeightFormat.F16, 64, WeightFormat.F16)]
    [InlineData(WeightFormat.Q4_0, TensorRole.Router, WeightFormat.F32, 64, WeightFormat.F32)]
    [InlineData(WeightFormat.Q4_0, TensorRole.ExpertsGateUp, WeightFormat.F32, 64, WeightFormat.Q4_0)]
    [InlineData(WeightFormat.Q4_0, TensorRole.Query, WeightFormat.F16, 80, WeightFormat.F16)]
    [InlineData(WeightFormat.Q4_0, TensorRole.Query, WeightFormat.Q8_0, 64, WeightFormat.Q8_0)]
    [InlineData(WeightFormat.Q4_0, null, WeightFormat.F16, 64, WeightFormat.F16)]
    public void Held_EachCase_AsThePlanSays(WeightFormat? asked, object? role, WeightFormat stored, long columns, WeightFormat expected) =>
        Assert.Equal(expected, WeightPlan.Held(asked, (TensorRole?)role, stored, columns));

    [Fact]
    public void WithWeights_AnotherFormat_InvalidArgumentNamesTheChoices()
    {
        using ModelSource source = ModelSource.Open(TestData.Path("families/llama"));
        var exception = Assert.Throws<ModelException>(() => source.WithWeights(WeightFormat.F16));
        Assert.Equal(ModelError.InvalidArgument, exception.Error);
        Assert.Contains("f16, expected q8_0 or q4_0", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HeldBytes_QuantizedModel_IsWhatLoadingTakes()
    {
        using var folder = new TemporaryFolder();
        WriteModel(folder);
        using ModelSource source = ModelSource.Open(folder.Path).WithWeights(WeightFormat.Q4_0);
        using var kernels = new CpuKernels(1);
        using BlockStack stack = BlockStack.Load(source, source.Config.AllBlocks, kernels);
        long held = source.HeldBytes(source.Config.AllBlocks);

        // A tile begins on a line of its own.
        Assert.InRange(stack.WeightBytes, held, held + (held / 50));
        Assert.InRange(source.HeldBytes(0), source.StoredBytes(0) / 8, source.StoredBytes(0) / 6);
        using ModelEnds ends = ModelEnds.Load(source, kernels);
        Assert.Equal(source.HeldBytes(EndParts.Both), ends.WeightBytes);
        Assert.Equal(source.StoredBytes(source.Config.AllBlocks), stack.BytesRead);
    }

    [SkippableFact]
    public void Load_FileOfFourTimesTheMemory_StaysWithinIt()
    {
        Skip.IfNot(File.Exists("/proc/self/smaps"), "this system does not say what is resident");
        using var folder = new TemporaryFolder();
        long length = new FileInfo(WriteLargeModel(folder)).Length;
        using ModelSource source = ModelSource.Open(folder.Path).WithWeights(WeightFormat.Q4_0);
        using var kernels = new CpuKernels(2);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using BlockStack stack = BlockStack.Load(source, source.Config.AllBlocks, kernels);
        long passing = GC.GetAllocatedBytesForCurrentThread() - before;

        // F32 to Q4_0 is to 14 %: half of a quarter stays, and what goes through on the way is a piece a matrix.
        Assert.InRange(length, 40 << 20, 80 << 20);
        Assert.InRange(stack.WeightBytes, length / 8, length / 6);
        Assert.InRange(passing, 0, length / 3);
        Assert.InRange(ReleasedPagesTests.ResidentBytes(folder.File("model.safetensors")), 0, length / 8);
    }

    private static float[] Rounded(WeightFormat format, float[] values)
    {
        byte[] stored = new byte[WeightFormats.RowBytes(format, values.Length)];
        WeightQuantizer.Quantize(format, values, stored);
        StoredRows.Dequantize(format, stored, values);
        return values;
    }

    private static float[] Logits(ModelSource source, KernelSet kernels)
    {
        using ModelEnds ends = ModelEnds.Load(source, kernels);
        using BlockStack stack = BlockStack.Load(source, source.Config.AllBlocks, kernels);
        using var pool = new KvPool(1 << 20, stack.KvLayout);
        using KvCache cache = pool.CreateCache();
        int[] ids = [.. Enumerable.Range(0, 9).Select(i => i * 37 % source.Config.Vocabulary)];
        var hidden = new float[ids.Length * source.Config.Hidden];
        ends.Embed(ids, 0, hidden);
        stack.Forward(hidden, [new StackStep(cache, 0, ids.Length)]);
        var logits = new float[ids.Length * source.Config.Vocabulary];
        ends.Logits(hidden, ids.Length, logits);
        return logits;
    }

    private static void WriteModel(TemporaryFolder folder, Func<string, float[], float[]>? change = null)
    {
        folder.Write("config.json", Config);
        ModelWriter.Write(folder.File("model.safetensors"), hidden: 64, keyWidth: 32, feedForward: 96, vocabulary: 160, blocks: 2, ownHead: true, change);
    }

    private static string WriteLargeModel(TemporaryFolder folder)
    {
        folder.Write("config.json", """
            {"model_type":"llama","hidden_size":1024,"num_attention_heads":16,"num_key_value_heads":4,"num_hidden_layers":2,"intermediate_size":1536,"vocab_size":160,
             "rms_norm_eps":1e-5,"tie_word_embeddings":true,"max_position_embeddings":256}
            """);
        string path = folder.File("model.safetensors");
        ModelWriter.Write(path, hidden: 1024, keyWidth: 256, feedForward: 1536, vocabulary: 160, blocks: 2, ownHead: false);
        return path;
    }
}
