using System.Runtime.InteropServices;
using System.Text.Json;
using Swarm.Models.Files;

namespace Swarm.Models.Tests.Blocks;

/// <summary>Reading and comparing numbers of reference files.</summary>
internal static class Numbers
{
    public static float[] Floats(SafetensorsFile file, string name)
    {
        Assert.True(file.TryGet(name, out TensorInfo tensor), $"{name} is missing");
        Assert.Equal("F32", tensor.StoredType);
        return MemoryMarshal.Cast<byte, float>(file.Bytes(tensor)).ToArray();
    }

    public static int[] Integers(SafetensorsFile file, string name)
    {
        Assert.True(file.TryGet(name, out TensorInfo tensor), $"{name} is missing");
        Assert.Equal("I32", tensor.StoredType);
        return MemoryMarshal.Cast<byte, int>(file.Bytes(tensor)).ToArray();
    }

    public static int[] Ids(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(item => item.GetInt32())];

    public static double[] Doubles(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(item => item.GetDouble())];

    public static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double worst = 0;
        int at = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = Math.Abs((double)expected[i] - actual[i]);
            if (!(difference <= worst))
                (worst, at) = (difference, i);
        }

        Assert.True(worst <= tolerance, $"{what}: value {at} is {actual[at]}, expected {expected[at]} ± {tolerance}");
    }

    /// <summary>Equal to the bit; NaN never appears in these tests.</summary>
    public static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        int at = MemoryMarshal.Cast<float, uint>(expected).CommonPrefixLength(MemoryMarshal.Cast<float, uint>(actual));
        if (at < expected.Length)
            Assert.Fail($"{what}: value {at} is {actual[at]:R}, expected exactly {expected[at]:R}");
    }

    public static int ArgMax(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best])
                best = i;
        }

        return best;
    }
}
