namespace Swarm.Models.Sampling;

internal static class SamplingMath
{
    public static float Exp(float x) => MathF.Exp(x);
}
