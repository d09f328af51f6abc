namespace Swarm.Kernels.Tests;

/// <summary>Equality of float32 bits where all NaNs are one value.</summary>
internal static class Bits
{
    public static bool Same(float a, float b) =>
        BitConverter.SingleToUInt32Bits(a) == BitConverter.SingleToUInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b));

    public static void AssertSame(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (!Same(expected[i], actual[i]))
                Assert.Fail($"{what} [{i}]: expected {expected[i]:R} ({BitConverter.SingleToUInt32Bits(expected[i]):x8}), got {actual[i]:R} ({BitConverter.SingleToUInt32Bits(actual[i]):x8})");
        }
    }
}
