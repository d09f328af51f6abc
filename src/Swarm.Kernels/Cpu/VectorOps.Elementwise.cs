using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Swarm.Kernels.Cpu;

// Norms by mean and variance, activations and the soft cap: value by value along a vector.
internal sealed unsafe partial class VectorOps<TW, TV>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void LayerNorm(float* input, float* weight, float* bias, float epsilon, float reciprocalWidth, int width, float* output)
    {
        float* lanes = stackalloc float[8];
        Vector256<float> sums = Vector256<float>.Zero;
        int i = 0;
        for (; i + 8 <= width; i += 8)
            sums += Vector256.Load(input + i);
        sums.Store(lanes);
        for (; i < width; i++)
            lanes[i & 7] += input[i];
        float mean = ScalarOps.Meet(lanes) * reciprocalWidth;

        Vector256<float> means = Vector256.Create(mean), squares = Vector256<float>.Zero;
        for (i = 0; i + 8 <= width; i += 8)
        {
            Vector256<float> difference = Vector256.Load(input + i) - means;
            squares += difference * difference;
        }

        squares.Store(lanes);
        for (; i < width; i++)
        {
            float difference = input[i] - mean;
            lanes[i & 7] += difference * difference;
        }

        float factor = KernelMath.ReciprocalSqrt(ScalarOps.Meet(lanes) * reciprocalWidth + epsilon);
        TV all = TW.All(mean), factors = TW.All(factor);
        for (i = 0; i + TW.Lanes <= width; i += TW.Lanes)
        {
            TV scaled = TW.Mul(TW.Mul(TW.Sub(TW.Load(input + i), all), factors), TW.Load(weight + i));
            TW.Store(output + i, bias == null ? scaled : TW.Add(scaled, TW.Load(bias + i)));
        }

        for (; i < width; i++)
        {
            float scaled = (input[i] - mean) * factor * weight[i];
            output[i] = bias == null ? scaled : scaled + bias[i];
        }
    }

    public override void Gate(Activation activation, float* gate, float* up, long length)
    {
        switch (activation)
        {
            case Activation.Silu:
                Activate<Silu>(gate, up, length);
                break;
            case Activation.Gelu:
                Activate<Gelu>(gate, up, length);
                break;
            case Activation.GeluTanh:
                Activate<GeluTanh>(gate, up, length);
                break;
            case Activation.GeluSigmoid:
                Activate<GeluSigmoid>(gate, up, length);
                break;
            default:
                Activate<Relu>(gate, up, length);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SoftCap(float* values, float cap, float reciprocal, long length)
    {
        TV caps = TW.All(cap), factors = TW.All(reciprocal);
        long i = 0;
        for (; i + TW.Lanes <= length; i += TW.Lanes)
            TW.Store(values + i, TW.Mul(caps, VectorMath<TW, TV>.Tanh(TW.Mul(TW.Load(values + i), factors))));
        for (; i < length; i++)
            values[i] = cap * KernelMath.Tanh(values[i] * reciprocal);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Activate<TA>(float* gate, float* up, long length)
        where TA : struct, IActivation
    {
        long i = 0;
        for (; i + TW.Lanes <= length; i += TW.Lanes)
        {
            TV activated = TA.Of(TW.Load(gate + i));
            TW.Store(gate + i, up == null ? activated : TW.Mul(activated, TW.Load(up + i)));
        }

        for (; i < length; i++)
        {
            float activated = TA.Of(gate[i]);
            gate[i] = up == null ? activated : activated * up[i];
        }
    }

    private interface IActivation
    {
        static abstract TV Of(TV x);

        static abstract float Of(float x);
    }

    private readonly struct Silu : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of(TV x) => TW.Mul(x, VectorMath<TW, TV>.Sigmoid(x));

        public static float Of(float x) => KernelMath.Silu(x);
    }

    private readonly struct Gelu : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of(TV x) => VectorMath<TW, TV>.Gelu(x);

        public static float Of(float x) => KernelMath.Gelu(x);
    }

    private readonly struct GeluTanh : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of(TV x)
        {
            TV inner = TW.Add(TW.Mul(TW.Mul(x, x), TW.All(KernelMath.GeluCubic)), TW.All(KernelMath.GeluLinear));
            return TW.Mul(x, VectorMath<TW, TV>.Sigmoid(TW.Mul(x, inner)));
        }

        public static float Of(float x) => KernelMath.GeluTanh(x);
    }

    private readonly struct GeluSigmoid : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of(TV x) => TW.Mul(x, VectorMath<TW, TV>.Sigmoid(TW.Mul(x, TW.All(KernelMath.GeluSigmoidFactor))));

        public static float Of(float x) => KernelMath.GeluSigmoid(x);
    }

    private readonly struct Relu : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of(TV x) => TW.Select(TW.Less(x, TW.AllInt(0)), TW.AllInt(0), x);

        public static float Of(float x) => KernelMath.Relu(x);
    }
}
