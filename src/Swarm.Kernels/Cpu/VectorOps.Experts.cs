using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

internal sealed unsafe partial class VectorOps<TW, TV>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void AddScaled(float* target, float* addend, float factor, long length)
    {
        TV factors = TW.All(factor);
        long i = 0;
        for (; i + TW.Lanes <= length; i += TW.Lanes)
            TW.Store(target + i, TW.Add(TW.Load(target + i), TW.Mul(TW.Load(addend + i), factors)));
        for (; i < length; i++)
            target[i] += addend[i] * factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ClampedSwiGlu(float* gate, float* up, float alpha, float limit, long length)
    {
        TV most = TW.All(limit), least = TW.All(-limit), one = TW.All(1f), alphas = TW.All(alpha);
        long i = 0;
        for (; i + TW.Lanes <= length; i += TW.Lanes)
        {
            TV x = TW.Load(gate + i), y = TW.Load(up + i);
            x = TW.Select(TW.Less(most, x), most, x);
            y = TW.Select(TW.Less(most, y), most, TW.Select(TW.Less(y, least), least, y));
            TW.Store(gate + i, TW.Mul(TW.Mul(x, VectorMath<TW, TV>.Sigmoid(TW.Mul(x, alphas))), TW.Add(y, one)));
        }

        for (; i < length; i++)
            gate[i] = ScalarOps.ClampedGate(gate[i], up[i], alpha, limit);
    }
}
