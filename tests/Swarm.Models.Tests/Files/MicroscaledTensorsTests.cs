using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Swarm.Kernels;
using Swarm.Kernels.Reference;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;
using Swarm.Models.Tests.Families;
using Swarm.Testing;

namespace Swarm.Models.Tests.Files;

/// <summary>gpt-oss with experts as its published checkpoints hold them.</summary>
public sealed class MicroscaledTensorsTests
{
    private const string Golden = "families/gpt-oss";

    [Fact]
    public void Forward_BlocksAndScales_ComputeAsTheSameValuesInFloat()
    {
        using var folder = new TemporaryFolder();
        (string floats, string blocks) = WriteBoth(folder);
        int[] ids = [.. Enumerable.Range(0, 20).Select(i => (i * 37 + 5) % 160)];
        using var expected = new ModelRunner(floats, new ReferenceKernels());
        using var actual = new ModelRunner(blocks, new ReferenceKernels());
        Numbers.AssertSameBits(expected.Hidden(ids), actual.Hidden(ids), "microscaled");

        // The same experts as a GGUF file has them.
        string gguf = folder.Write("model.gguf", ExpertGguf.WriteMicroscaled(Path.Combine(floats, "model.safetensors")));
        using var third = new ModelRunner(gguf, new ReferenceKernels());
        Numbers.AssertClose(expected.Hidden(ids), third.Hidden(ids), 1e-4, "microscaled GGUF");
        long matrices = 3L * expected.Config.Hidden * expected.Config.FeedForward / 32 * 17;

        // In memory a twentieth more: rows are held by sixteens.
        Assert.InRange(BytesOfAnExpert(blocks) - BiasBytes(actual.Config), matrices, matrices * 21 / 20);
        Assert.Equal(BytesOfAnExpert(blocks), BytesOfAnExpert(gguf));
    }

    [Fact]
    public void StoredBytes_OfAllBlocksAndEnds_AreTheWholeFileAndAllOfItIsRead()
    {
        using var folder = new TemporaryFolder();
        using ModelSource source = ModelSource.Open(WriteBoth(folder).Blocks);
        long all = source.Tensors.Tensors.Sum(tensor => tensor.ByteLength);
        Assert.Equal(all, source.StoredBytes(source.Config.AllBlocks) + source.StoredBytes(Models.Blocks.EndParts.Both));
        TensorInfo values = source.Tensors.Tensors.First(tensor => tensor.Name.EndsWith("gate_up_proj_blocks", StringComparison.Ordinal));
        Assert.Equal((WeightFormat.MXFP4, "U8", "[4, 192, 2, 16]"), (values.Format!.Value, values.StoredType, values.ShapeText));
        Assert.Equal("model.layers.0.mlp.experts.gate_up_proj_scales", Assert.Single(source.Tensors.Companions(values)).Name);
        Assert.Equal(17 * 2, source.Tensors.Rows(values, 191, 1).Length);
        Assert.Equal(ModelError.InvalidArgument, Assert.Throws<ModelException>(() => source.Tensors.Rows(values, 4 * 192, 1)).Error);
    }

    [Fact]
    public void Sha256_OfBlocks_IsThatOfTheStoredBytes()
    {
        byte[] bytes = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];
        using var store = Open(("w_blocks", "U8", [2, 2, 16], bytes), ("w_scales", "U8", [2, 2], [127, 128, 0, 255]));
        Assert.True(store.TryGet("w_blocks", out TensorInfo tensor));
        Assert.Equal(SHA256.HashData(bytes), store.Sha256(tensor));
        ReadOnlySpan<byte> row = store.Rows(tensor, 1, 1);
        Assert.Equal([0, 32 & 15 | (40 & 15) << 4], row[..2].ToArray());
    }

    [Theory]
    [InlineData("U8", new long[] { 2, 3 })]
    [InlineData("U8", new long[] { 4 })]
    [InlineData("I8", new long[] { 2, 2 })]
    public void Open_ScalesThatDoNotFit_NamesThem(string type, long[] shape)
    {
        ModelException exception = Assert.Throws<ModelException>(
            () => Open(("w_blocks", "U8", [2, 2, 16], new byte[64]), ("w_scales", type, shape, new byte[shape.Aggregate(1L, (a, b) => a * b)])));
        Assert.Equal(ModelError.CorruptModel, exception.Error);
        Assert.Contains("expected U8 [2, 2] beside w_blocks", exception.Message, StringComparison.Ordinal);
    }

    private static MicroscaledTensors Open(params (string Name, string Type, long[] Shape, byte[] Bytes)[] tensors) =>
        new(SafetensorsFile.Open(new MappedFile("model.safetensors", Microscaled.File(tensors))));

    private static long BiasBytes(ModelConfig config) => 4L * (config.Hidden + 2 * config.Experts!.FeedForward);

    private static long BytesOfAnExpert(string model)
    {
        using var runner = new ModelRunner(model, new Swarm.Kernels.Cpu.CpuKernels(1));
        runner.Hidden([3]);
        return runner.Stack.Experts.ExpertBytesRead / runner.Stack.Experts.ExpertsComputed;
    }

    private static (string Floats, string Blocks) WriteBoth(TemporaryFolder folder)
    {
        using SafetensorsFile golden = SafetensorsFile.Open(TestData.Path($"{Golden}/model.safetensors"));
        List<(string Name, string Type, long[] Shape, byte[] Bytes)> floats = [], blocks = [];
        foreach (TensorInfo tensor in golden.Tensors)
        {
            float[] values = golden.ReadVector(tensor.Name);
            if (!tensor.Name.EndsWith("experts.gate_up_proj", StringComparison.Ordinal) && !tensor.Name.EndsWith("experts.down_proj", StringComparison.Ordinal))
            {
                floats.Add((tensor.Name, "F32", [.. tensor.Shape], Bytes(values)));
                blocks.Add(floats[^1]);
                continue;
            }

            // Floats lie by inputs, blocks by outputs.
            int experts = (int)tensor.Shape[0], inputs = (int)tensor.Shape[1], outputs = (int)tensor.Shape[2];
            (byte[] packed, byte[] scales, float[] rounded) = Microscaled.Round(Turn(values, experts, inputs, outputs));
            floats.Add((tensor.Name, "F32", [.. tensor.Shape], Bytes(Turn(rounded, experts, outputs, inputs))));
            blocks.Add((tensor.Name + "_blocks", "U8", [experts, outputs, inputs / 32, 16], packed));
            blocks.Add((tensor.Name + "_scales", "U8", [experts, outputs, inputs / 32], scales));
        }

        JsonNode config = JsonNode.Parse(File.ReadAllText(TestData.Path($"{Golden}/config.json")))!;
        string floatFolder = Write("floats", floats, config.ToJsonString());
        config["quantization_config"] = new JsonObject { ["quant_method"] = "mxfp4" };
        return (floatFolder, Write("blocks", blocks, config.ToJsonString()));

        string Write(string name, List<(string Name, string Type, long[] Shape, byte[] Bytes)> tensors, string json)
        {
            string path = Directory.CreateDirectory(folder.File(name)).FullName;
            File.WriteAllBytes(Path.Combine(path, "model.safetensors"), Microscaled.File(tensors));
            File.WriteAllText(Path.Combine(path, "config.json"), json);
            return path;
        }
    }

    private static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static float[] Turn(float[] values, int matrices, int rows, int columns)
    {
        var turned = new float[values.Length];
        for (int matrix = 0; matrix < matrices; matrix++)
        {
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                    turned[(matrix * columns + column) * rows + row] = values[(matrix * rows + row) * columns + column];
            }
        }

        return turned;
    }
}
