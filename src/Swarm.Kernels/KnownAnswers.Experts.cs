namespace Swarm.Kernels;

internal static partial class KnownAnswers
{
    private static IEnumerable<(string Name, uint[] Output)> Experts(KernelSet kernels)
    {
        yield return ("route-softmax-chosen", Route(kernels, 40, new RouterShape(12, 3, RouterScores.SoftmaxOfChosen), corrected: false));
        yield return ("route-softmax", Route(kernels, 41, new RouterShape(12, 3, RouterScores.Softmax) { Groups = 4, ChosenGroups = 2, Scale = 16f }, corrected: false));
        yield return ("route-sigmoid", Route(
            kernels, 42,
            new RouterShape(12, 3, RouterScores.Sigmoid) { Groups = 4, ChosenGroups = 2, GroupsBySumOfTwo = true, Renormalized = true, Scale = 2.5f },
            corrected: true));
        yield return ("add-scaled", AddScaled(kernels));
        yield return ("clamped-swiglu", ClampedSwiGlu(kernels));
    }

    // Logits that are rounded to a quarter tie now and then. Of each token the experts, then their weights.
    private static uint[] Route(KernelSet kernels, ulong seed, RouterShape shape, bool corrected)
    {
        const int Count = 8;
        Generator generator = new(seed);
        float[] logits = generator.Floats(Count * shape.Experts, 6f);
        for (int i = 0; i < logits.Length; i += 2)
            logits[i] = KernelMath.RoundToInt(logits[i] * 4f) * 0.25f;
        float[] correction = corrected ? generator.Floats(shape.Experts, 0.5f) : [];
        int[] experts = new int[Count * shape.Chosen];
        float[] weights = new float[experts.Length];
        kernels.Route(shape, logits, Count, correction, experts, weights);
        uint[] bits = ToBits(weights), output = new uint[2 * bits.Length];
        for (int token = 0; token < Count; token++)
        {
            for (int i = 0; i < shape.Chosen; i++)
            {
                output[2 * token * shape.Chosen + i] = (uint)experts[token * shape.Chosen + i];
                output[(2 * token + 1) * shape.Chosen + i] = bits[token * shape.Chosen + i];
            }
        }

        return output;
    }

    private static uint[] AddScaled(KernelSet kernels)
    {
        Generator generator = new(43);
        float[] target = generator.Floats(4 * 19, 10f), source = generator.Floats(2 * 19, 3f), factors = generator.Floats(2, 1f);
        kernels.AddScaledRows(target, [3, 1], source, factors);
        return ToBits(target);
    }

    private static uint[] ClampedSwiGlu(KernelSet kernels)
    {
        Generator generator = new(44);
        float[] gate = generator.Floats(75, 12f), up = generator.Floats(75, 12f);
        kernels.ClampedSwiGlu(gate, up, 1.702f, 7f);
        return ToBits(gate);
    }
}
