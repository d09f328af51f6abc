using System.Buffers.Binary;
using Swarm.Models;
using Swarm.Models.Files;
using Swarm.Testing;
using Swarm.Testing.Hub;

namespace Swarm.Hub.Tests;

public sealed class FileHeadTests
{
    [Fact]
    public void Find_GgufPrefixes_GrowsToTheHeaderAndNeverPastIt()
    {
        using GgufFile file = GgufFile.Open(TestData.DefaultModelFile);
        long data = file.Tensors.Min(tensor => tensor.Offset);
        byte[] bytes = new byte[data];
        using (FileStream stream = File.OpenRead(TestData.DefaultModelFile))
            stream.ReadExactly(bytes);
        int steps = 0;
        for (long have = 0; ; steps++)
        {
            (bool isWhole, long needed) = FileHead.Find("m.gguf", bytes.AsSpan(0, (int)have), long.MaxValue);
            if (isWhole)
            {
                Assert.InRange(needed, data - 31, data);
                break;
            }

            Assert.InRange(needed, have + 1, data);
            have = Math.Min(data, Math.Max(needed, have + (256 << 10)));
        }

        Assert.InRange(steps, 2, 20);
    }

    [Fact]
    public void Find_EveryCutOfAHeader_AsksForMore()
    {
        byte[] file = ShardedLlama.Files(blocks: 1, shards: 1)["model.safetensors"];
        long end = 8 + BinaryPrimitives.ReadInt64LittleEndian(file);
        for (int have = 0; have < end; have++)
        {
            (bool isWhole, long needed) = FileHead.Find("model.safetensors", file.AsSpan(0, have), file.Length);
            Assert.False(isWhole);
            Assert.Equal(have < 8 ? 8 : end, needed);
        }

        Assert.Equal((true, end), FileHead.Find("model.safetensors", file.AsSpan(0, (int)end), file.Length));
    }

    [Theory]
    [InlineData("m.gguf", "00000000000000000000")]
    [InlineData("m.gguf", "4747554609000000")]
    [InlineData("m.gguf", "4747554603000000ffffffffffffffff0000000000000000")]
    [InlineData("m.gguf", "4747554603000000000000000000000001000000000000000000000000000000630000000000")]
    [InlineData("m.gguf", "474755460300000000000000000000000100000000000000ffffffffffffff7f")]
    [InlineData("m.safetensors", "ffffffffffffffff")]
    public void Find_HeaderThatLies_IsCorrupt(string name, string hex)
    {
        var exception = Assert.Throws<ModelException>(() => FileHead.Find(name, Convert.FromHexString(hex), 1 << 20));

        Assert.Contains(exception.Error, new[] { ModelError.CorruptModel, ModelError.UnsupportedModel });
        Assert.Contains(name, exception.Message, StringComparison.Ordinal);
    }
}
