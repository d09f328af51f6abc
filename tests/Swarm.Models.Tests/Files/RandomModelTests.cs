using Swarm.Kernels;
using Swarm.Kernels.Cpu;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;

namespace Swarm.Models.Tests.Files;

public sealed class RandomModelTests
{
    [Theory]
    [InlineData("random:1GiB:q4_0", 1L << 30)]
    [InlineData("random:4GiB:Q4_0:7", 4L << 30)]
    [InlineData("random:64MiB:q8_0", 64L << 20)]
    [InlineData("random:8MiB:f32", 8L << 20)]
    [InlineData("random:1.5GB:bf16", 1_500_000_000)]
    [InlineData("random:40GiB:q4_1", 40L << 30)]
    [InlineData("random:512MiB:q4_k", 512L << 20)]
    [InlineData("random:8GiB:Q6_K", 8L << 30)]
    [InlineData("random:30GiB:mxfp4", 30L << 30)]
    public void Open_Size_ModelOfAboutThatSizeWithAtLeastTwelveBlocks(string spec, long bytes)
    {
        using ModelSource source = ModelSource.Open(spec);
        long total = source.Tensors.Tensors.Sum(tensor => tensor.ByteLength);
        Assert.InRange(total, bytes * 0.93, bytes * 1.07);
        Assert.InRange(source.Config.Blocks, 12, 200);
        Assert.Equal(0, source.Config.Heads % source.Config.KeyValueHeads);
        Assert.Equal(spec, source.Name);
    }

    [Theory]
    [InlineData("random:")]
    [InlineData("random:1GiB")]
    [InlineData("random:1GiB:q9_k")]
    [InlineData("random:16KiB:q4_k")]
    [InlineData("random:1GiB:3")]
    [InlineData("random:many:q4_0")]
    [InlineData("random:-1GiB:q4_0")]
    [InlineData("random:9999999TiB:q4_0")]
    [InlineData("random:2000GiB:q4_0")]
    [InlineData("random:1B:q4_0")]
    [InlineData("random:1GiB:q4_0:x")]
    [InlineData("random:1GiB:q4_0:1:2:3")]
    [InlineData("random:1GiB:q4_0:1:0")]
    [InlineData("random:1GiB:q4_0:1:100/1")]
    [InlineData("random:1GiB:q4_0:1:100/2/2")]
    public void Open_BadSpecification_InvalidArgumentNamesIt(string spec)
    {
        var exception = Assert.Throws<ModelException>(() => ModelSource.Open(spec));
        Assert.Equal(ModelError.InvalidArgument, exception.Error);
        Assert.Contains(spec, exception.Message, StringComparison.Ordinal);
    }

    public static TheoryData<WeightFormat> Formats => [.. Enum.GetValues<WeightFormat>()];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Rows_AnyRange_TheSameBytesAndTheIntendedDeviation(WeightFormat format)
    {
        using ModelSource source = ModelSource.Open($"random:2MiB:{format}:5");
        using ModelSource again = ModelSource.Open($"random:2MiB:{format}:5");
        using ModelSource other = ModelSource.Open($"random:2MiB:{format}:6");
        Assert.True(source.Tensors.TryGet("model.layers.0.mlp.up_proj.weight", out TensorInfo tensor));
        int rows = (int)tensor.Rows;
        byte[] whole = source.Tensors.Rows(tensor, 0, rows).ToArray();
        int rowBytes = whole.Length / rows;
        Assert.Equal(whole[(5 * rowBytes)..(9 * rowBytes)], again.Tensors.Rows(tensor, 5, 4).ToArray());
        Assert.NotEqual(whole, other.Tensors.Rows(tensor, 0, rows).ToArray());
        Assert.NotEqual(source.Tensors.Sha256(tensor), other.Tensors.Sha256(tensor));
        Assert.Equal(source.Tensors.Sha256(tensor), again.Tensors.Sha256(tensor));

        using var kernels = new CpuKernels(1);
        using WeightMatrix matrix = kernels.Pack(format, rows, (int)tensor.Columns, (first, count) => source.Tensors.Rows(tensor, first, count));
        var row = new float[tensor.Columns];
        double sum = 0;
        double squares = 0;
        for (int r = 0; r < rows; r++)
        {
            matrix.CopyRow(r, row);
            sum += row.Sum(value => (double)value);
            squares += row.Sum(value => (double)value * value);
        }

        double count = (double)rows * row.Length;
        Assert.InRange(Math.Sqrt(squares / count * row.Length), 0.9, 1.1);
        Assert.InRange(sum / count * Math.Sqrt(row.Length), -0.05, 0.05);
    }

    [Theory]
    [InlineData("random:3MiB:q4_0")]
    [InlineData("random:3MiB:q8_0:9")]
    [InlineData("random:3MiB:f16")]
    [InlineData("random:3MiB:q4_k")]
    [InlineData("random:3MiB:mxfp4")]
    public void Logits_OfARandomModel_AreFiniteAndDiffer(string spec)
    {
        using var runner = new ModelRunner(spec, new CpuKernels(2));
        float[] logits = runner.Logits([1, 2, 3, 4, 5, 6, 7, 8]);
        Assert.All(logits, logit => Assert.True(float.IsFinite(logit)));
        ReadOnlySpan<float> last = logits.AsSpan(^runner.Config.Vocabulary..);
        double deviation = Math.Sqrt(last.ToArray().Average(logit => (double)logit * logit));
        Assert.InRange(deviation, 0.1, 10);
        Assert.NotEqual(Numbers.ArgMax(last), Numbers.ArgMax(logits.AsSpan(0, runner.Config.Vocabulary)));
    }
}
