namespace Swarm.Kernels.Tests;

public sealed class WeightQuantizerTests
{
    [Theory]
    [InlineData(WeightFormat.Q8_0)]
    [InlineData(WeightFormat.Q4_0)]
    public void Quantize_EightAtATime_SameBytesAsOneAtATime(WeightFormat format)
    {
        float[] values = Groups(4000);
        byte[] vectors = new byte[WeightFormats.RowBytes(format, values.Length)];
        WeightQuantizer.Quantize(format, values, vectors);
        byte[] scalars = new byte[vectors.Length];
        WeightQuantizer.Scalar = true;
        try
        {
            WeightQuantizer.Quantize(format, values, scalars);
        }
        finally
        {
            WeightQuantizer.Scalar = false;
        }

        int group = WeightFormats.GroupBytes(format);
        int at = vectors.AsSpan().CommonPrefixLength(scalars);
        Assert.True(at == scalars.Length, $"group {at / group}: {string.Join(" ", values.Skip(at / group * 32).Take(32))}");
    }

    [Theory]
    [InlineData(float.NaN, false)]
    [InlineData(float.PositiveInfinity, false)]
    [InlineData(float.NegativeInfinity, false)]
    [InlineData(524033f, false)]
    [InlineData(524032f, true)]
    [InlineData(-524032f, true)]
    [InlineData(-0f, true)]
    public void CanQuantize_AValueAnywhere_IsSeen(float value, bool can)
    {
        foreach (int length in new[] { 1, 7, 8, 31, 32, 45 })
        {
            for (int at = 0; at < length; at++)
            {
                float[] values = new float[length];
                values[at] = value;
                Assert.Equal(can, WeightQuantizer.CanQuantize(values));
            }
        }
    }

    [Fact]
    public void Dequantize_EveryHalfAndBrainFloat_ValuesOfTheDefinition()
    {
        byte[] stored = new byte[2 * 65536];
        for (int i = 0; i < 65536; i++)
            BitConverter.TryWriteBytes(stored.AsSpan(2 * i), (ushort)i);
        float[] halves = new float[65536], brains = new float[65536];
        StoredRows.Dequantize(WeightFormat.F16, stored, halves);
        StoredRows.Dequantize(WeightFormat.BF16, stored, brains);
        for (int i = 0; i < 65536; i++)
        {
            float half = (float)BitConverter.UInt16BitsToHalf((ushort)i);
            Assert.True(Bits.Same(half, halves[i]), $"F16 {i:x4}: {halves[i]}");
            Assert.True(BitConverter.SingleToUInt32Bits(brains[i]) == (uint)i << 16, $"BF16 {i:x4}: {brains[i]}");
        }
    }

    // Ordinary groups, and those where rounding is decided: ties, equal magnitudes of both signs, one large value, zeros of both signs, the smallest and the largest numbers.
    private static float[] Groups(int groups)
    {
        TestNumbers numbers = new(11);
        float[] values = new float[32 * groups];
        for (int group = 0; group < groups; group++)
        {
            Span<float> span = values.AsSpan(32 * group, 32);
            float scale = MathF.Pow(10, numbers.Uniform() * 12);
            for (int i = 0; i < 32; i++)
            {
                span[i] = (group % 6) switch
                {
                    0 => numbers.Uniform() * scale,
                    1 => MathF.Round(numbers.Uniform() * 254) / 2,
                    2 => (numbers.Uniform() < 0 ? -1 : 1) * scale,
                    3 => i == group % 32 ? scale * 100 : numbers.Uniform() * scale,
                    4 => numbers.Uniform() < 0.5f ? -0f : numbers.Uniform() * 1e-41f,
                    _ => numbers.Uniform() * WeightQuantizer.LargestMagnitude,
                };
            }

            if (group % 97 == 0)
                span.Clear();
        }

        return values;
    }
}
