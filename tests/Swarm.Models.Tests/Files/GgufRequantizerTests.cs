using Swarm.Kernels;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;
using Swarm.Testing;

namespace Swarm.Models.Tests.Files;

public sealed class GgufRequantizerTests
{
    [Theory]
    [InlineData(WeightFormat.F16)]
    [InlineData(WeightFormat.BF16)]
    [InlineData(WeightFormat.Q4_0)]
    [InlineData(WeightFormat.Q4_1)]
    [InlineData(WeightFormat.Q8_0)]
    public void Quantize_EveryFormat_BytesEqualTheReferenceExactly(WeightFormat format)
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestData.Path("gguf/quants.safetensors"));
        Assert.True(file.TryGet($"{format}.bytes", out TensorInfo stored));
        byte[] expected = file.Bytes(stored).ToArray();
        byte[] written = new byte[expected.Length];
        WeightQuantizer.Quantize(format, Numbers.Floats(file, "source"), written);
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(written));
    }

    [Fact]
    public void Write_SmallFile_MatricesChangeAndTheRestStays()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "q4_0.gguf");
        using GgufFile source = GgufFile.Open(TestData.Path("gguf/small.gguf"));
        GgufRequantizer.Write(source, WeightFormat.Q4_0, path);
        using GgufFile written = GgufFile.Open(path);
        Assert.Equal(source.Metadata.Keys, written.Metadata.Keys);
        Assert.Equal(source.MetadataBytes, written.MetadataBytes);
        foreach ((TensorInfo before, TensorInfo after) in source.Tensors.Zip(written.Tensors))
        {
            Assert.Equal((before.Name, before.ShapeText, "Q4_0"), (after.Name, after.ShapeText, after.StoredType));
            var values = new float[before.Columns];
            byte[] expected = new byte[WeightFormats.RowBytes(WeightFormat.Q4_0, values.Length)];
            for (int row = 0; row < before.Rows; row++)
            {
                StoredRows.Dequantize(before.Format!.Value, source.Rows(before, row, 1), values);
                WeightQuantizer.Quantize(WeightFormat.Q4_0, values, expected);
                Assert.Equal(expected, written.Rows(after, row, 1));
            }
        }
    }

    [Fact]
    public void Quantize_WrongLength_NamesBoth()
    {
        var exception = Assert.Throws<ArgumentException>(() => WeightQuantizer.Quantize(WeightFormat.Q8_0, new float[64], new byte[67]));
        Assert.Contains("67 bytes to fill, expected 68", exception.Message, StringComparison.Ordinal);
    }
}
