using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>The slopes of ALiBi (arXiv 2108.12409): a geometric sequence for a power of two of heads, and every other one of the next longer sequence for the rest.</summary>
internal static class AttentionSlopes
{
    /// <param name="heads">How many.</param>
    /// <param name="scale">Factor on each.</param>
    public static float[] Make(int heads, float scale)
    {
        int power = 1 << System.Numerics.BitOperations.Log2((uint)heads);
        float step = (float)HostMath.Pow(2, -8.0 / power);
        float between = (float)HostMath.Pow(2, -4.0 / power);
        var slopes = new float[heads];
        for (int head = 0; head < heads; head++)
            slopes[head] = scale * (head < power ? (float)HostMath.Pow(step, head + 1) : (float)HostMath.Pow(between, (2 * (head - power)) + 1));
        return slopes;
    }
}
