using Swarm.Kernels.Cpu;
using Swarm.Models.Blocks;
using Swarm.Testing;

namespace Swarm.Models.Tests.Blocks;

public sealed class ModelEndsTests
{
    [Fact]
    public void Load_OneEndOfTwo_ReadsThatAloneAndComputesTheSame()
    {
        using ModelSource source = ModelSource.Open(TestData.Path("families/llama"));
        using var kernels = new CpuKernels(1);
        using ModelEnds both = ModelEnds.Load(source, kernels);
        using ModelEnds embedding = ModelEnds.Load(source, kernels, parts: EndParts.Embedding);
        using ModelEnds head = ModelEnds.Load(source, kernels, parts: EndParts.Head);
        int[] ids = [3, 1, 80];
        float[] hidden = new float[ids.Length * source.Config.Hidden];
        float[] same = new float[hidden.Length];
        float[] logits = new float[source.Config.Vocabulary];
        float[] again = new float[logits.Length];

        both.Embed(ids, 0, hidden);
        embedding.Embed(ids, 0, same);
        both.Logits(hidden.AsSpan(0, source.Config.Hidden), 1, logits);
        head.Logits(hidden.AsSpan(0, source.Config.Hidden), 1, again);

        Assert.Equal(hidden, same);
        Assert.Equal(logits, again);
        Assert.Equal((EndParts.Embedding, EndParts.Head), (embedding.Parts, head.Parts));
        Assert.Equal(both.BytesRead, embedding.BytesRead + head.BytesRead);
        Assert.Equal(both.WeightBytes, embedding.WeightBytes + head.WeightBytes);
        Assert.Throws<InvalidOperationException>(() => embedding.Logits(hidden.AsSpan(0, source.Config.Hidden), 1, again));
        Assert.Throws<InvalidOperationException>(() => head.Embed(ids, 0, same));
    }

    [Theory]
    [InlineData(EndParts.Embedding)]
    [InlineData(EndParts.Head)]
    public void Load_OneEndOfTiedOnes_BringsBoth(EndParts asked)
    {
        using ModelSource source = ModelSource.Open(TestData.Path("families/llama-tied"));
        using var kernels = new CpuKernels(1);
        using ModelEnds whole = ModelEnds.Load(source, kernels);
        using ModelEnds ends = ModelEnds.Load(source, kernels, parts: asked);

        Assert.True(source.Config.TiedEnds, "the test's model has tied ends");
        Assert.Equal(EndParts.Both, ends.Parts);
        Assert.Equal(whole.WeightBytes, ends.WeightBytes);
    }

    [Theory]
    [InlineData("families/llama")]
    [InlineData("families/llama-tied")]
    public void StoredBytes_AnyParts_IsWhatLoadingReads(string model)
    {
        using ModelSource source = ModelSource.Open(TestData.Path(model));
        using var kernels = new CpuKernels(1);
        foreach (EndParts parts in new[] { EndParts.Embedding, EndParts.Head, EndParts.Both })
        {
            using ModelEnds ends = ModelEnds.Load(source, kernels, parts: parts);
            Assert.Equal(ends.BytesRead, source.StoredBytes(parts));
        }

        Assert.Equal(0, source.StoredBytes(EndParts.None));
    }
}
