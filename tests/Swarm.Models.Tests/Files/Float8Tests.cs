using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Swarm.Kernels;
using Swarm.Models.Files;

namespace Swarm.Models.Tests.Files;

/// <summary>8-bit floats, alone and with the scales that checkpoints give them.</summary>
public sealed class Float8Tests
{
    [Theory]
    [InlineData("F8_E4M3", 0x00, 0f)]
    [InlineData("F8_E4M3", 0x01, 0.001953125f)]
    [InlineData("F8_E4M3", 0x07, 0.013671875f)]
    [InlineData("F8_E4M3", 0x08, 0.015625f)]
    [InlineData("F8_E4M3", 0x38, 1f)]
    [InlineData("F8_E4M3", 0xB9, -1.125f)]
    [InlineData("F8_E4M3", 0x7E, 448f)]
    [InlineData("F8_E4M3", 0x7F, float.NaN)]
    [InlineData("F8_E5M2", 0x01, 1.52587890625e-05f)]
    [InlineData("F8_E5M2", 0x3C, 1f)]
    [InlineData("F8_E5M2", 0xC1, -2.5f)]
    [InlineData("F8_E5M2", 0x7B, 57344f)]
    [InlineData("F8_E5M2", 0x7C, float.PositiveInfinity)]
    [InlineData("F8_E5M2", 0x7D, float.NaN)]
    public void Values_KnownBytes_ValuesOfTheFormat(string type, byte bits, float expected) => Assert.Equal(expected, Float8.Find(type)!.Values[bits]);

    [Theory]
    [InlineData("F8_E4M3", 4, 3)]
    [InlineData("F8_E5M2", 5, 2)]
    public void Values_EveryFiniteByte_FollowsTheDefinition(string type, int exponentBits, int fractionBits)
    {
        ReadOnlySpan<float> values = Float8.Find(type)!.Values;
        int bias = (1 << (exponentBits - 1)) - 1;
        for (int bits = 0; bits < 256; bits++)
        {
            int exponent = (bits >> fractionBits) & ((1 << exponentBits) - 1);
            double fraction = (bits & ((1 << fractionBits) - 1)) / (double)(1 << fractionBits);
            double magnitude = exponent == 0 ? fraction * Math.Pow(2, 1 - bias) : (1 + fraction) * Math.Pow(2, exponent - bias);
            if (float.IsFinite(values[bits]))
                Assert.Equal(bits < 128 ? magnitude : -magnitude, values[bits]);
        }

        Assert.Equal(type == "F8_E4M3" ? 254 : 248, values.ToArray().Count(float.IsFinite));
    }

    [Fact]
    public void Rows_WithoutScales_AreF16OfTheSameValuesAndHashesAreOfTheStoredBytes()
    {
        byte[] bytes = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        using Float8Tensors store = Store((2, 2), ("w", "F8_E4M3", [4, 64], bytes), ("v", "F8_E5M2", [3], [0x3C, 0x40, 0xBC]));
        Assert.True(store.TryGet("w", out TensorInfo tensor));
        Assert.Equal((WeightFormat.F16, "F8_E4M3", 256L), (tensor.Format!.Value, tensor.StoredType, tensor.ByteLength));
        var values = new float[128];
        StoredRows.Dequantize(WeightFormat.F16, store.Rows(tensor, 1, 2), values);
        Assert.Equal(Float8.Find("F8_E4M3")!.Values[64..192].ToArray(), values);
        Assert.Equal([1f, 2f, -1f], store.ReadVector("v"));
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(bytes), store.Sha256(tensor));
        Assert.Empty(store.Companions(tensor));
    }

    [Theory]
    [InlineData("_scale_inv", new long[] { 2, 2 }, new[] { 0.5f, 3, 1.01f, 0.001f }, new[] { 0, 0, 1, 0, 0, 1, 2, 2, 3 })]
    [InlineData("_scale_inv", new long[] { 1 }, new[] { 0.3f }, new[] { 0, 0, 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData("_scale", new long[] { 3, 1 }, new[] { 0.5f, 3, 1.01f }, new[] { 0, 0, 0, 1, 1, 1, 2, 2, 2 })]
    public void Rows_WithScales_EachValueTimesItsScaleToTheNearestBrainFloat(string suffix, long[] shape, float[] scales, int[] scaleOf)
    {
        byte[] bytes = [0x38, 0x39, 0x3A, 0xB9, 0x01, 0x7E, 0x44, 0x45, 0x46];
        using Float8Tensors store = Store((2, 2), ("w", "F8_E4M3", [3, 3], bytes), ("w" + suffix, "F32", shape, MemoryMarshal.AsBytes<float>(scales).ToArray()));
        Assert.True(store.TryGet("w", out TensorInfo tensor));
        Assert.Equal(WeightFormat.BF16, tensor.Format);
        Assert.Equal("w" + suffix, Assert.Single(store.Companions(tensor)).Name);
        for (int row = 0; row < 3; row++)
        {
            ReadOnlySpan<byte> rows = store.Rows(tensor, row, 1);
            for (int column = 0; column < 3; column++)
            {
                int i = row * 3 + column;

                // Rounded here by the definition: the one of two neighbours that is nearer, of equal ones the even one.
                float exact = Float8.Find("F8_E4M3")!.Values[bytes[i]] * scales[scaleOf[i]];
                uint below = BitConverter.SingleToUInt32Bits(exact) & 0xFFFF0000;
                float low = BitConverter.UInt32BitsToSingle(below), high = BitConverter.UInt32BitsToSingle(below + 0x10000);
                double toLow = Math.Abs((double)exact - low), toHigh = Math.Abs((double)high - exact);
                float expected = toLow < toHigh || (toLow == toHigh && (below & 0x10000) == 0) ? low : high;
                Assert.Equal(expected, BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(rows[(2 * column)..]) << 16));
            }
        }
    }

    [Fact]
    public void Rows_ScalesOfAnotherShape_CorruptModelNamesBoth()
    {
        using Float8Tensors store = Store((2, 2), ("w", "F8_E4M3", [3, 3], new byte[9]), ("w_scale_inv", "F32", [1, 2], new byte[8]));
        Assert.True(store.TryGet("w", out TensorInfo tensor));
        var exception = Assert.Throws<ModelException>(() => store.Rows(tensor, 0, 1).Length);
        Assert.Equal(ModelError.CorruptModel, exception.Error);
        Assert.Contains("w_scale_inv has shape [1, 2]", exception.Message, StringComparison.Ordinal);
        Assert.Contains("[2, 2] for w [3, 3]", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"fp8\"", null)]
    [InlineData("\"awq\"", "awq")]
    [InlineData("null", "an unnamed method")]
    public void ReadConfig_QuantizationConfig_Fp8IsReadOthersAreRefusedByName(string method, string? named)
    {
        byte[] json = Encoding.UTF8.GetBytes(
            $$"""{"model_type":"llama","hidden_size":64,"num_attention_heads":4,"num_hidden_layers":3,"intermediate_size":96,"vocab_size":160,"quantization_config":{"quant_method":{{method}}} }""");
        using System.Text.Json.JsonDocument document = JsonFile.Parse(json, "config.json");
        if (named is null)
        {
            Assert.Equal(3, HuggingFaceDescription.ReadConfig(document.RootElement, "config.json", null).Blocks);
            return;
        }

        var exception = Assert.Throws<ModelException>(() => HuggingFaceDescription.ReadConfig(document.RootElement, "config.json", null));
        Assert.Equal(ModelError.UnsupportedModel, exception.Error);
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    private static Float8Tensors Store((int, int) block, params (string Name, string Type, long[] Shape, byte[] Bytes)[] tensors)
    {
        long offset = 0;
        var entries = new List<string>();
        foreach ((string name, string type, long[] shape, byte[] bytes) in tensors)
            entries.Add($$"""  "{{name}}":{"dtype":"{{type}}","shape":[{{string.Join(',', shape)}}],"data_offsets":[{{offset}},{{offset += bytes.Length}}]}""");
        byte[] header = Encoding.UTF8.GetBytes("{" + string.Join(',', entries) + "}");
        return new Float8Tensors(
            SafetensorsFile.Open(new MappedFile("model.safetensors", [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. tensors.SelectMany(tensor => tensor.Bytes)])), block);
    }
}
