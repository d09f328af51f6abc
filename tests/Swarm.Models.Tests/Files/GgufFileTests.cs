using System.Runtime.InteropServices;
using Swarm.Kernels;
using Swarm.Kernels.Reference;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;
using Swarm.Testing;

namespace Swarm.Models.Tests.Files;

public sealed class GgufFileTests
{
    [Fact]
    public void Metadata_EveryValueType_IsReadExactly()
    {
        using GgufFile file = GgufFile.Open(TestData.Path("gguf/small.gguf"));
        GgufMetadata metadata = file.Metadata;
        Assert.Equal(16, metadata.Keys.Count);
        AssertInteger("t.u8", 200);
        AssertInteger("t.i8", -100);
        AssertInteger("t.u16", 60000);
        AssertInteger("t.i16", -30000);
        AssertInteger("t.u32", 4000000000);
        AssertInteger("t.i32", -2000000000);
        AssertInteger("t.i64", -4611686018427387904);
        Assert.True(metadata.TryGetUnsigned("t.u64", out ulong unsigned));
        Assert.Equal(9223372036854775808, unsigned);
        Assert.False(metadata.TryGetInteger("t.u64", out _));
        Assert.True(metadata.TryGetNumber("t.f32", out double single));
        Assert.Equal(1.5, single);
        Assert.True(metadata.TryGetNumber("t.f64", out double number));
        Assert.Equal(2.5e300, number);
        Assert.True(metadata.TryGetBool("t.bool", out bool flag));
        Assert.True(flag);
        Assert.True(metadata.TryGetString("t.str", out string text));
        Assert.Equal("héllo\n", text);
        Assert.True(metadata.TryGetIntegers("t.arr_i", out long[] integers));
        Assert.Equal([1L, 2L, 3L], integers);
        Assert.True(metadata.TryGetStrings("t.arr_s", out string[] strings));
        Assert.Equal(["a", "", "ü"], strings);
        Assert.True(metadata.TryGetNumbers("t.arr_f", out float[] numbers));
        Assert.Equal([0.5f, -0.5f], numbers);
        Assert.Equal(GgufValueType.Array, metadata.TypeOf("t.arr_f"));

        void AssertInteger(string key, long expected)
        {
            Assert.True(metadata.TryGetInteger(key, out long value), key);
            Assert.Equal(expected, value);
        }
    }

    [Fact]
    public void TryGet_AnotherType_AnswersFalse()
    {
        using GgufFile file = GgufFile.Open(TestData.Path("gguf/small.gguf"));
        Assert.False(file.Metadata.TryGetString("t.u8", out _));
        Assert.False(file.Metadata.TryGetInteger("t.str", out _));
        Assert.False(file.Metadata.TryGetInteger("t.f32", out _));
        Assert.False(file.Metadata.TryGetBool("t.u8", out _));
        Assert.False(file.Metadata.TryGetStrings("t.arr_i", out _));
        Assert.False(file.Metadata.TryGetNumbers("t.arr_i", out _));
        Assert.False(file.Metadata.TryGetString("absent", out _));
    }

    [Fact]
    public void Tensors_SmallFile_ShapesAreOuterFirst()
    {
        using GgufFile file = GgufFile.Open(TestData.Path("gguf/small.gguf"));
        Assert.Equal(["a F32 [2, 512] 4096", "b F16 [4, 512] 4096", "c Q8_0 [16, 512] 8704"],
            file.Tensors.Select(tensor => $"{tensor.Name} {tensor.StoredType} {tensor.ShapeText} {tensor.ByteLength}"));
    }

    public static TheoryData<WeightFormat> StoredFormats => [.. Enum.GetValues<WeightFormat>().Where(format => format != WeightFormat.F32)];

    [Theory]
    [MemberData(nameof(StoredFormats))]
    public void CopyRow_EveryFormat_ValuesEqualTheReferenceExactly(WeightFormat format)
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestData.Path("gguf/quants.safetensors"));
        Assert.True(file.TryGet($"{format}.bytes", out TensorInfo stored));
        float[] expected = Numbers.Floats(file, $"{format}.values");
        foreach (KernelSet kernels in new KernelSet[] { new ReferenceKernels(), new Swarm.Kernels.Cpu.CpuKernels(1) })
        {
            using (kernels)
            using (WeightMatrix matrix = kernels.Pack(format, 16, 512, (first, count) => file.Bytes(stored).Slice(first * (int)stored.Columns, count * (int)stored.Columns)))
            {
                var values = new float[expected.Length];
                for (int row = 0; row < 16; row++)
                    matrix.CopyRow(row, values.AsSpan(row * 512, 512));
                Numbers.AssertSameBits(expected, values, $"{format} under {kernels.NumericsClass}");
            }
        }
    }

    [Fact]
    public void Rows_TypeWithoutKernel_IsListedAndRefusedByName()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("iq3.gguf", new GgufBuilder().Tensor("w", [256, 2], 21, new byte[220]).Build());
        using GgufFile file = GgufFile.Open(path);
        TensorInfo tensor = Assert.Single(file.Tensors);
        Assert.Equal("IQ3_S", tensor.StoredType);
        Assert.Null(tensor.Format);
        var exception = Assert.Throws<ModelException>(() => file.Rows(tensor, 0, 1).Length);
        Assert.Equal(ModelError.UnsupportedModel, exception.Error);
        Assert.Contains("IQ3_S", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_TypeThatNobodyKnows_MattersOnlyWhenItIsAskedFor()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("new.gguf", new GgufBuilder().Tensor("new", [256, 2], 977, new byte[100]).Tensor("w", [2], 0, BitConverter.GetBytes(3.5).AsSpan().ToArray()).Build());
        using GgufFile file = GgufFile.Open(path);
        Assert.Equal(["new type 977 [2, 256] 128", "w F32 [2] 8"], file.Tensors.Select(tensor => $"{tensor.Name} {tensor.StoredType} {tensor.ShapeText} {tensor.ByteLength}"));
        Assert.Equal(2, file.ReadVector("w").Length);
        Assert.Equal(2, ModelManifest.Create(file).Entries.Count);
        var exception = Assert.Throws<ModelException>(() => file.Rows(file.Tensors[0], 0, 1).Length);
        Assert.Equal(ModelError.UnsupportedModel, exception.Error);
        Assert.Contains("type 977", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_MiddleOfATensor_GivesThoseBytesAndCountsThem()
    {
        float[] values = [.. Enumerable.Range(0, 24).Select(i => i * 0.5f)];
        using var folder = new TemporaryFolder();
        string path = folder.Write("f.gguf", new GgufBuilder()
            .Tensor("first", [3], 0, new byte[12])
            .Tensor("w", [4, 6], 0, MemoryMarshal.AsBytes<float>(values).ToArray()).Build());
        using GgufFile file = GgufFile.Open(path);
        Assert.Equal(0, file.BytesTouched);
        Assert.True(file.TryGet("w", out TensorInfo tensor));
        Assert.Equal(values[8..16], MemoryMarshal.Cast<byte, float>(file.Rows(tensor, 2, 2)).ToArray());
        Assert.Equal(32, file.BytesTouched);
        Assert.Equal(ModelError.InvalidArgument, Assert.Throws<ModelException>(() => file.Rows(tensor, 5, 2).Length).Error);
    }

    public static TheoryData<string, string> BadHeaders => new()
    {
        { "magic", "magic" },
        { "version", "version" },
        { "tensorCount", "tensor count" },
        { "keyCount", "metadata count" },
        { "arrayCount", "count of big" },
        { "stringLength", "length of text" },
        { "valueType", "value type 99" },
        { "nesting", "deeper than" },
        { "duplicateKey", "given twice" },
        { "duplicateTensor", "given twice" },
        { "dimensions", "dimensions" },
        { "hugeShape", "too large" },
        { "beyondEnd", "bytes at offset" },
        { "overlap", "inside" },
        { "unaligned", "alignment" },
        { "alignment", "general.alignment" },
        { "bigEndian", "big-endian" },
        { "columns", "multiple of 32" },
        { "utf8", "not UTF-8" },
    };

    [Theory]
    [MemberData(nameof(BadHeaders))]
    public void Open_BadHeader_OneTypedErrorThatNamesTheField(string kind, string named)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("bad.gguf", BadFile(kind));
        long before = GC.GetAllocatedBytesForCurrentThread();
        var exception = Assert.Throws<ModelException>(() => GgufFile.Open(path));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(exception.Error is ModelError.CorruptModel or ModelError.UnsupportedModel, exception.ToString());
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
        Assert.True(allocated < 1 << 20, $"{allocated} bytes allocated");
    }

    [Fact]
    public void Open_EveryTruncation_TypedError()
    {
        byte[] whole = File.ReadAllBytes(TestData.Path("gguf/small.gguf"));
        using var folder = new TemporaryFolder();
        for (int length = 0; length < whole.Length; length += length < 700 ? 1 : 997)
        {
            string path = folder.Write("cut.gguf", whole.AsSpan(0, length));
            Assert.Equal(ModelError.CorruptModel, Assert.Throws<ModelException>(() => GgufFile.Open(path)).Error);
        }
    }

    [Fact]
    public void Open_EveryBitFlippedInTheHeader_TypedErrorOrAFileThatCanBeRead()
    {
        byte[] bytes = File.ReadAllBytes(TestData.Path("gguf/small.gguf"));
        using var folder = new TemporaryFolder();
        int refused = 0;
        for (int bit = 0; bit < 600 * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            string path = folder.Write("flipped.gguf", bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using GgufFile file = GgufFile.Open(path);
                foreach (string key in file.Metadata.Keys)
                {
                    file.Metadata.TryGetStrings(key, out _);
                    file.Metadata.TryGetIntegers(key, out _);
                    file.Metadata.TryGetString(key, out _);
                }
            }
            catch (ModelException)
            {
                refused++;
            }

            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.InRange(refused, 500, 4000);
    }

    [Fact]
    public void Open_NoSuchFile_ModelNotFound()
    {
        Assert.Equal(ModelError.ModelNotFound, Assert.Throws<ModelException>(() => GgufFile.Open("/nowhere/model.gguf")).Error);
    }

    private static byte[] BadFile(string kind)
    {
        var builder = new GgufBuilder();
        byte[] two = new byte[8];
        switch (kind)
        {
            case "magic":
                builder.Magic++;
                break;
            case "version":
                builder.Version = 4;
                break;
            case "tensorCount":
                builder.TensorCount = ulong.MaxValue;
                break;
            case "keyCount":
                builder.KeyCount = 1UL << 40;
                break;
            case "arrayCount":
                builder.Raw("big", 9, [.. BitConverter.GetBytes(4u), .. BitConverter.GetBytes(1UL << 62)]);
                break;
            case "stringLength":
                builder.Raw("text", 8, BitConverter.GetBytes(ulong.MaxValue));
                break;
            case "valueType":
                builder.Raw("key", 99, two);
                break;
            case "nesting":
                builder.Raw("deep", 9, [.. Enumerable.Repeat((byte[])[.. BitConverter.GetBytes(9u), .. BitConverter.GetBytes(1UL)], 8).SelectMany(part => part), .. new byte[64]]);
                break;
            case "duplicateKey":
                builder.UInt32("key", 1).UInt32("key", 2);
                break;
            case "duplicateTensor":
                builder.Tensor("w", [2], 0, two).Tensor("w", [2], 0, two);
                break;
            case "dimensions":
                builder.Tensor("w", [1, 1, 1, 1, 1, 1, 1, 1, 2], 0, two);
                break;
            case "hugeShape":
                builder.Tensor("w", [int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue], 0, two);
                break;
            case "beyondEnd":
                builder.Tensor("w", [1000], 0, two);
                break;
            case "overlap":
                builder.Tensor("w", [16], 0, new byte[64]).Tensor("v", [2], 0, two, offset: 32);
                break;
            case "unaligned":
                builder.Tensor("w", [2], 0, new byte[64], offset: 4);
                break;
            case "alignment":
                builder.UInt32("general.alignment", 48);
                break;
            case "bigEndian":
                builder.Version = 0x03000000;
                break;
            case "columns":
                builder.Tensor("w", [33, 1], 2, new byte[36]);
                break;
            case "utf8":
                builder.Raw("\ud800", 4, new byte[4]);
                byte[] bytes = builder.Build();

                // The lone surrogate was written as U+FFFD: EF BF BD at the key's place.
                bytes[32] = 0xFF;
                return bytes;
        }

        return builder.Build();
    }
}
