using System.Buffers.Binary;
using Swarm.Kernels.Codecs;

namespace Swarm.Kernels.Tests;

public sealed class ActivationCodecTests
{
    public static TheoryData<string> Names => [.. ActivationCodec.All.Select(codec => codec.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Round_AnyShape_EqualsDecodeOfEncode(string name)
    {
        ActivationCodec codec = ActivationCodec.ByName(name)!;
        foreach (int hidden in new[] { 1, 2, 7, 8, 9, 31, 64, 576, 4097 })
        {
            TestNumbers numbers = new((ulong)hidden);
            float[] values = numbers.Floats(3 * hidden, 5);
            values[numbers.Below(values.Length)] = 27000f;
            values[numbers.Below(values.Length)] = -70000f;
            values[numbers.Below(values.Length)] = 1e-40f;
            values[numbers.Below(values.Length)] = -0f;
            AssertRounds(codec, values, 3, hidden);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Round_NotFiniteOrTiny_EqualsDecodeOfEncode(string name)
    {
        ActivationCodec codec = ActivationCodec.ByName(name)!;
        float[][] rows =
        [
            [.. Enumerable.Repeat(float.NaN, 32)],
            [.. Enumerable.Repeat(float.PositiveInfinity, 32)],
            [.. Enumerable.Repeat(0f, 32)],
            [.. Enumerable.Repeat(1e-35f, 32)],
            [.. Enumerable.Repeat(3e38f, 32)],
            [float.NaN, float.NegativeInfinity, .. Enumerable.Range(1, 30).Select(i => (float)i)],
        ];
        foreach (float[] row in rows)
            AssertRounds(codec, row, 1, row.Length);
    }

    [Fact]
    public void Int8_HugeChannels_KeepTheirNeighbours()
    {
        float[] values = new TestNumbers(3).Floats(576, 3);
        float[] rounded = [.. values];
        for (int i = 0; i < 8; i++)
            rounded[i * 70] = values[i * 70] = 1000f * (i + 1);
        ActivationCodec.Int8.Round(rounded, 1, 576);
        for (int i = 0; i < values.Length; i++)
            Assert.True(Math.Abs(values[i] - rounded[i]) <= (i % 70 == 0 && i < 560 ? 2.01f : 3f / 254f * 1.001f), $"[{i}] {values[i]} became {rounded[i]}");
    }

    [Fact]
    public void Int8_EqualMagnitudes_LowestIndicesGoApart()
    {
        float[] values = [.. Enumerable.Repeat(-2f, 20)];
        byte[] bytes = new byte[ActivationCodec.Int8.MaxEncodedBytes(1, 20)];
        Assert.Equal(bytes.Length, ActivationCodec.Int8.Encode(values, 1, 20, bytes));
        for (int i = 0; i < 8; i++)
            Assert.Equal(i, BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(4 + i * 4)));
        Assert.Equal(0, bytes[36 + 7]);
        Assert.Equal(-127, (sbyte)bytes[36 + 8]);
    }

    [Fact]
    public void Int8_LaterAndLarger_TakesThePlaceOfTheHighestIndex()
    {
        float[] values = [.. Enumerable.Repeat(2f, 8), 1f, 3f, 2f];
        byte[] bytes = new byte[ActivationCodec.Int8.MaxEncodedBytes(1, values.Length)];
        ActivationCodec.Int8.Encode(values, 1, values.Length, bytes);
        int[] apart = [.. Enumerable.Range(0, 8).Select(i => (int)BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(4 + i * 4)))];
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 9], apart);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void TryDecode_WrongLength_SaysWhatWasExpected(string name)
    {
        ActivationCodec codec = ActivationCodec.ByName(name)!;
        int bytes = codec.MaxEncodedBytes(2, 16);
        foreach (int length in new[] { 0, bytes - 1, bytes + 1 })
        {
            Assert.False(codec.TryDecode(new byte[length], 2, 16, new float[32], out string? error));
            if (length > bytes || codec.Id <= ActivationCodec.Int8.Id)
                Assert.Matches($"{length} bytes, expected (at most )?{bytes}", error);
        }
    }

    [Theory]
    [InlineData(0, 0xFF800000u, "scale")]
    [InlineData(0, 0x7F800000u, "scale")]
    [InlineData(0, 0xBF800000u, "scale")]
    [InlineData(4, 0x7C000000u, "infinite")]
    [InlineData(4, 0x00000014u, "index 20")]
    [InlineData(8, 0x00000000u, "index 0")]
    [InlineData(36, 0x00000001u, "where an outlier stands")]
    [InlineData(36 + 12, 0x00000080u, "-128")]
    public void TryDecode_CorruptInt8_NamesTheField(int offset, uint bits, string expected)
    {
        byte[] bytes = new byte[ActivationCodec.Int8.MaxEncodedBytes(1, 20)];
        ActivationCodec.Int8.Encode(new TestNumbers(1).Floats(20).Select((v, i) => i < 8 ? 100f : v).ToArray(), 1, 20, bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(offset), bits);
        Assert.False(ActivationCodec.Int8.TryDecode(bytes, 1, 20, new float[20], out string? error));
        Assert.Contains(expected, error);
    }

    [Fact]
    public void TryDecode_InfiniteHalf_IsRefused()
    {
        byte[] bytes = [0, 0, 0, 0x7C];
        Assert.False(ActivationCodec.F16.TryDecode(bytes, 1, 2, new float[2], out string? error));
        Assert.Contains("value 1 is infinite", error);
    }

    [Fact]
    public void ById_EveryCodec_IsItself()
    {
        foreach (ActivationCodec codec in ActivationCodec.All)
            Assert.Same(codec, ActivationCodec.ById(codec.Id));
        Assert.Null(ActivationCodec.ById(ActivationCodec.All.Count));
        Assert.Null(ActivationCodec.ById(-1));
        Assert.Null(ActivationCodec.ByName("int7"));
    }

    [Fact]
    public void FromSingle_EveryHalfAndItsNeighbourhood_EqualsTheRuntimes()
    {
        for (int half = 0; half < 0x7C00; half++)
        {
            float value = (float)BitConverter.UInt16BitsToHalf((ushort)half);
            Assert.Equal(value, HalfBits.ToSingle((ushort)half));
            float next = (float)BitConverter.UInt16BitsToHalf((ushort)(half + 1));
            float middle = float.IsInfinity(next) ? 65519f : (value + next) / 2;
            foreach (float near in new[] { value, MathF.BitIncrement(value), MathF.BitDecrement(middle), middle, MathF.BitIncrement(middle) })
            {
                if (near >= 65520f)
                    continue;
                Assert.Equal(BitConverter.HalfToUInt16Bits((Half)near), HalfBits.FromSingle(near));
                Assert.Equal(BitConverter.HalfToUInt16Bits((Half)(-near)), HalfBits.FromSingle(-near));
            }
        }

        Assert.Equal(0x7BFF, HalfBits.FromSingle(65520f));
        Assert.Equal(0xFBFF, HalfBits.FromSingle(float.NegativeInfinity));
        Assert.True(float.IsNaN(HalfBits.ToSingle(HalfBits.FromSingle(float.NaN))));
        Assert.Equal(float.PositiveInfinity, HalfBits.ToSingle(0x7C00));
    }

    private static void AssertRounds(ActivationCodec codec, float[] values, int tokens, int hidden)
    {
        byte[] bytes = new byte[codec.MaxEncodedBytes(tokens, hidden)];
        bytes = bytes[..codec.Encode(values, tokens, hidden, bytes)];
        float[] decoded = new float[values.Length];
        Assert.True(codec.TryDecode(bytes, tokens, hidden, decoded, out string? error), error);
        float[] rounded = [.. values];
        codec.Round(rounded, tokens, hidden);
        for (int i = 0; i < values.Length; i++)
            Assert.True(Bits.Same(decoded[i], rounded[i]), $"hidden {hidden} [{i}]: decoded {decoded[i]}, rounded {rounded[i]}");
    }
}
