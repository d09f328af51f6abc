namespace Swarm.Kernels;

internal static partial class KnownAnswers
{
    private static IEnumerable<(string Name, uint[] Output)> Activations(KernelSet kernels)
    {
        yield return ("layer-norm", LayerNorm(kernels));
        yield return ("gelu", Activated(kernels, 51, Activation.Gelu));
        yield return ("gelu-tanh", Activated(kernels, 52, Activation.GeluTanh));
        yield return ("gelu-sigmoid", Activated(kernels, 53, Activation.GeluSigmoid));
        yield return ("relu", Activated(kernels, 54, Activation.Relu));
        yield return ("gate-gelu-tanh", Gated(kernels));
        yield return ("soft-cap", SoftCap(kernels));
        yield return ("scale", Scale(kernels));
    }

    private static uint[] LayerNorm(KernelSet kernels)
    {
        Generator generator = new(50);
        float[] input = generator.Floats(2 * 75, 50f), weight = generator.Floats(75, 2f), bias = generator.Floats(75, 1f), output = new float[input.Length];
        kernels.LayerNorm(input, weight, bias, 1e-5f, 2, output);
        return ToBits(output);
    }

    private static uint[] Activated(KernelSet kernels, ulong seed, Activation activation)
    {
        float[] values = new Generator(seed).Floats(75, 6f);
        kernels.Activate(activation, values);
        return ToBits(values);
    }

    private static uint[] Gated(KernelSet kernels)
    {
        Generator generator = new(55);
        float[] gate = generator.Floats(75, 6f), up = generator.Floats(75, 3f);
        kernels.Gate(Activation.GeluTanh, gate, up);
        return ToBits(gate);
    }

    private static uint[] SoftCap(KernelSet kernels)
    {
        float[] values = new Generator(56).Floats(75, 90f);
        kernels.SoftCap(values, 30f);
        return ToBits(values);
    }

    private static uint[] Scale(KernelSet kernels)
    {
        float[] values = new Generator(57).Floats(75, 2f);
        kernels.Scale(values, 59.75f);
        return ToBits(values);
    }
}
