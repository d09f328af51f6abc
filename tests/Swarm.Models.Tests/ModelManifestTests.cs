using Swarm.Kernels;
using Swarm.Models.Files;
using Swarm.Models.Tests.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests;

public sealed class ModelManifestTests
{
    [Fact]
    public void Parse_OfItsOwnBytes_TheSameManifest()
    {
        using ModelSource source = ModelSource.Open(TestData.Path("families/llama"));
        ModelManifest manifest = ModelManifest.Create(source.Tensors);
        ModelManifest parsed = ModelManifest.Parse(manifest.Bytes.Span);
        Assert.Equal(39, parsed.Entries.Count);
        Assert.Equal(manifest.Hash.ToArray(), parsed.Hash.ToArray());
        Assert.True(parsed.TryGet("lm_head.weight", out ManifestEntry entry));
        Assert.Equal([320L, 64L], entry.Shape);
        foreach (TensorInfo tensor in source.Tensors.Tensors)
            parsed.Verify(source.Tensors, tensor);
    }

    [Fact]
    public void Create_KnownTensor_Sha256OfItsStoredBytes()
    {
        // SHA-256 of the four bytes 00 00 80 3F, by an independent program.
        using var folder = new TemporaryFolder();
        using GgufFile file = GgufFile.Open(folder.Write("one.gguf", new GgufBuilder().Tensor("w", [1], 0, [0, 0, 0x80, 0x3F]).Build()));
        ManifestEntry entry = Assert.Single(ModelManifest.Create(file).Entries);
        Assert.Equal("e00e5eb9444182f352323374ef4e08ebcb784725fdd4fd612d7730540b3e0c8c", Convert.ToHexStringLower(entry.Sha256.Span));
    }

    [Fact]
    public void Verify_OtherTypeOrName_CorruptModel()
    {
        using var folder = new TemporaryFolder();
        using GgufFile first = GgufFile.Open(folder.Write("a.gguf", new GgufBuilder().Tensor("w", [2], 0, new byte[8]).Build()));
        using GgufFile second = GgufFile.Open(folder.Write("b.gguf", new GgufBuilder().Tensor("w", [4], 1, new byte[8]).Tensor("v", [2], 0, new byte[8]).Build()));
        ModelManifest manifest = ModelManifest.Create(first);
        foreach (TensorInfo tensor in second.Tensors)
        {
            var exception = Assert.Throws<ModelException>(() => manifest.Verify(second, tensor));
            Assert.Equal(ModelError.CorruptModel, exception.Error);
            Assert.Contains(tensor.Name, exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Parse_EveryTruncationAndBitFlip_TypedErrorOrAnotherHash()
    {
        using var folder = new TemporaryFolder();
        using GgufFile file = GgufFile.Open(folder.Write("a.gguf", new GgufBuilder().Tensor("w", [2], 0, new byte[8]).Tensor("v", [2, 1], 0, new byte[8]).Build()));
        ModelManifest manifest = ModelManifest.Create(file);
        byte[] bytes = manifest.Bytes.ToArray();
        for (int length = 0; length < bytes.Length; length++)
            Assert.Equal(ModelError.CorruptModel, Assert.Throws<ModelException>(() => ModelManifest.Parse(bytes.AsSpan(0, length))).Error);
        Assert.Throws<ModelException>(() => ModelManifest.Parse([.. bytes, 0]));
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                Assert.NotEqual(manifest.Hash.ToArray(), ModelManifest.Parse(bytes).Hash.ToArray());
            }
            catch (ModelException exception)
            {
                Assert.Equal(ModelError.CorruptModel, exception.Error);
            }

            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Parse_HugeCount_NothingLargeAllocated()
    {
        byte[] bytes = [.. "SWMF1\n"u8, 0, 0, 4, 0];
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ModelException>(() => ModelManifest.Parse(bytes));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000);
    }

    [Fact]
    public void Compute_AnyPartChanges_AnotherIdentity()
    {
        using ModelSource source = ModelSource.Open(TestData.Path("families/llama"));
        using ModelSource other = ModelSource.Open(TestData.Path("families/llama-tied"));
        ModelManifest manifest = ModelManifest.Create(source.Tensors);
        ModelConfig config = source.Config;
        ModelIdentity identity = ModelIdentity.Compute(config, manifest, "canonical-1");
        Assert.Matches("^[0-9a-f]{64}$", identity.Hex);
        Assert.Equal(identity, ModelIdentity.Compute(config, ModelManifest.Parse(manifest.Bytes.Span), "canonical-1"));
        ModelIdentity[] others =
        [
            ModelIdentity.Compute(config, manifest, "reference"),
            ModelIdentity.Compute(config, manifest, "canonical-1", WeightFormat.Q8_0),
            ModelIdentity.Compute(config, manifest, "canonical-1", WeightFormat.Q4_0),
            ModelIdentity.Compute(config, ModelManifest.Create(other.Tensors), "canonical-1"),
            ModelIdentity.Compute(config with { NormEpsilon = 1e-6f }, manifest, "canonical-1"),
            ModelIdentity.Compute(config with { Rotary = config.Rotary with { Theta = 10_001 } }, manifest, "canonical-1"),
            ModelIdentity.Compute(config with { Context = 255 }, manifest, "canonical-1"),
        ];
        Assert.Equal(8, others.Append(identity).Distinct().Count());
        Assert.Equal(identity, ModelIdentity.Compute(config with { EndTokens = [5] }, manifest, "canonical-1"));
    }
}
