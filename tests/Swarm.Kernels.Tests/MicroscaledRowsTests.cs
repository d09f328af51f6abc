namespace Swarm.Kernels.Tests;

public sealed class MicroscaledRowsTests
{
    private static readonly float[] s_values = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6];

    [Fact]
    public void ToStored_AnyGroups_ValuesOfNeighboursTimesPowersOfTwo()
    {
        TestNumbers numbers = new(3);
        byte[] blocks = new byte[9 * 16], scales = [0, 1, 100, 126, 127, 128, 130, 254, 255], stored = new byte[9 * 17];
        foreach (ref byte pair in blocks.AsSpan())
            pair = (byte)numbers.Next();
        MicroscaledRows.ToStored(blocks, scales, stored);
        float[] values = new float[9 * 32];
        StoredRows.Dequantize(WeightFormat.MXFP4, stored, values);
        for (int i = 0; i < values.Length; i++)
        {
            int nibble = blocks[i / 2] >> i % 2 * 4 & 15;
            double expected = s_values[nibble & 7] * (nibble > 7 ? -1 : 1) * (scales[i / 32] == 255 ? double.NaN : Math.Pow(2, scales[i / 32] - 127));
            Assert.Equal((float)expected, values[i]);
        }
    }

    [Fact]
    public void ToStored_WrongLengths_NameBoth()
    {
        Assert.Contains("15 bytes of values, expected 16", Assert.Throws<ArgumentException>(() => MicroscaledRows.ToStored(new byte[15], new byte[1], new byte[17])).Message, StringComparison.Ordinal);
        Assert.Contains("16 bytes to fill, expected 17", Assert.Throws<ArgumentException>(() => MicroscaledRows.ToStored(new byte[16], new byte[1], new byte[16])).Message, StringComparison.Ordinal);
    }
}
