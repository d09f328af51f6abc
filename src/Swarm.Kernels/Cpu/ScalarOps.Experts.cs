namespace Swarm.Kernels.Cpu;

internal sealed unsafe partial class ScalarOps
{
    public override void AddScaled(float* target, float* addend, float factor, long length)
    {
        for (long i = 0; i < length; i++)
            target[i] += addend[i] * factor;
    }

    public override void ClampedSwiGlu(float* gate, float* up, float alpha, float limit, long length)
    {
        for (long i = 0; i < length; i++)
            gate[i] = ClampedGate(gate[i], up[i], alpha, limit);
    }

    public static float ClampedGate(float gate, float up, float alpha, float limit)
    {
        // A comparison with NaN is false, so that NaN stays.
        float x = gate > limit ? limit : gate;
        float y = up > limit ? limit : up < -limit ? -limit : up;
        return x * KernelMath.Sigmoid(x * alpha) * (y + 1f);
    }
}
