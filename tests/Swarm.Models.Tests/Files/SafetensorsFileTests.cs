using System.Runtime.InteropServices;
using System.Text;
using Swarm.Models.Files;
using Swarm.Models.Tests.Blocks;
using Swarm.Testing;

namespace Swarm.Models.Tests.Files;

public sealed class SafetensorsFileTests
{
    public static TheoryData<string, string> BadHeaders => new()
    {
        { "", "" },
        { "not json", "not JSON" },
        { "[]", "StartObject" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}", "JSON" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", "given twice" },
        { "{\"w\":{\"dtype\":\"F99\",\"shape\":[2],\"data_offsets\":[0,8]}}", "F99" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "hold 4 bytes, expected 8" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", "shape of w" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[8,24]}}", "[8, 24]" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", "starts at byte 8, expected 0" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "tensors end" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},\"v\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", "overlap" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4611686018427387904],\"data_offsets\":[0,16]}}", "too large" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,4],\"data_offsets\":[0,16]}}", "more than 8 numbers" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[4]}}", "lacks" },
        { "{\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16],\"extra\":1}}", "extra" },
        { "{\"w\":{\"dtype\":7,\"shape\":[4],\"data_offsets\":[0,16]}}", "dtype of w" },
        { "{\"\\ud800\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", "not JSON" },
    };

    [Theory]
    [MemberData(nameof(BadHeaders))]
    public void Open_BadHeader_OneTypedErrorThatNamesTheField(string header, string named)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("bad.safetensors", FileOf(header, 16));
        var exception = Assert.Throws<ModelException>(() => SafetensorsFile.Open(path));
        Assert.True(exception.Error is ModelError.CorruptModel or ModelError.UnsupportedModel, exception.ToString());
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7B, 0x7D })]
    [InlineData(new byte[] { 3, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D })]
    public void Open_BadLength_CorruptModelAndNothingAllocated(byte[] bytes)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("bad.safetensors", bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(ModelError.CorruptModel, Assert.Throws<ModelException>(() => SafetensorsFile.Open(path)).Error);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 17);
    }

    [Fact]
    public void Writer_PiecesInAnyOrder_ReaderGivesTheSameValues()
    {
        float[] logits = [.. Enumerable.Range(0, 12).Select(i => i * 0.25f - 1)];
        float[] hidden = [1, -2, float.NaN];
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "out.safetensors");
        using (var writer = new SafetensorsWriter(path, [("logits", [3, 4]), ("hidden.0", [3])]))
        {
            writer.Write("hidden.0", 0, hidden);
            writer.Write("logits", 4, logits.AsSpan(4));
            writer.Write("logits", 0, logits.AsSpan(0, 4));
            Assert.Throws<ArgumentOutOfRangeException>(() => writer.Write("logits", 10, logits.AsSpan(0, 4)));
        }

        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal(["logits", "hidden.0"], file.Tensors.Select(tensor => tensor.Name));
        Numbers.AssertSameBits(logits, Numbers.Floats(file, "logits"), "logits");
        Numbers.AssertSameBits(hidden, Numbers.Floats(file, "hidden.0"), "hidden.0");
    }

    [Fact]
    public void Open_MetadataAndEmptyTensor_AreAccepted()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("ok.safetensors", FileOf(
            "{\"__metadata__\":{\"format\":\"pt\"},\"e\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[0,0]},"
            + "\"w\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", [0x80, 0x3F, 0, 0xC0]));
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal(2, file.Tensors.Count);
        Assert.Equal([1f, -2f], file.ReadVector("w"));
    }

    private static byte[] FileOf(string header, int dataBytes) => FileOf(header, new byte[dataBytes]);

    private static byte[] FileOf(string header, ReadOnlySpan<byte> data)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        ulong length = (ulong)text.Length;
        return [.. MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in length)), .. text, .. data];
    }
}
