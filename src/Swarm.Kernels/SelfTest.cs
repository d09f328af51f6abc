using System.Collections.Concurrent;
using Swarm.Kernels.Cpu;

namespace Swarm.Kernels;

/// <summary>Known answers that every process asks of its kernels at start: a processor, compiler or driver that computes otherwise must not serve.</summary>
public static class SelfTest
{
    internal const string CanonicalClass = "canonical-1";

    // By what was asked for: null is the machine's best.
    private static readonly ConcurrentDictionary<(CpuWidth? Width, WeightFormat Format), Lazy<bool>> Formats = new();

    /// <summary>Checks every operation, and every weight format; some milliseconds once their code is compiled.</summary>
    /// <param name="kernels">Who is asked.</param>
    /// <param name="withFormats">
    /// False leaves the products of weight formats out: <see cref="CpuKernels.Pack"/> asks for a format's answer before the first matrix of it, so that a process compiles the code
    /// of those formats only that its model has.
    /// </param>
    /// <remarks>A set of class canonical-1 must give the bits of docs/canonical-1.md; any other must agree with them by tolerance.</remarks>
    /// <exception cref="NumericsException">An operation's answer differs; it is named.</exception>
    public static void Run(KernelSet kernels, bool withFormats = true)
    {
        if (kernels.NumericsClass == CanonicalClass)
            CheckBits(KnownAnswers.Compute(kernels, withFormats ? Enum.GetValues<WeightFormat>() : []));
        else
            CheckValues(kernels);
    }

    /// <summary>Checks one weight format under canonical-1, once a process and width.</summary>
    /// <exception cref="NumericsException">Its product differs.</exception>
    internal static void Require(CpuWidth? width, WeightFormat format) => _ = Formats.GetOrAdd((width, format), key => new Lazy<bool>(() =>
    {
        using CpuKernels probe = CpuKernels.CreateProbe(key.Width);
        CheckBits([KnownAnswers.Product(probe, key.Format)]);
        return true;
    })).Value;

    private static void CheckBits(IEnumerable<(string Name, uint[] Output)> answers)
    {
        foreach ((string name, uint[] output) in answers)
        {
            ulong hash = KnownAnswers.Hash(output);
            if (!KnownAnswers.Hashes.TryGetValue(name, out ulong expected) || hash != expected)
                throw new NumericsException(name, $"the answer's hash is {hash:x16}, expected {expected:x16} under {CanonicalClass}");
        }
    }

    private static void CheckValues(KernelSet kernels)
    {
        using CpuKernels canonical = new(1, CpuWidth.Scalar);
        Dictionary<string, uint[]> answers = KnownAnswers.Compute(canonical).ToDictionary(answer => answer.Name, answer => answer.Output);
        foreach ((string name, uint[] output) in KnownAnswers.Compute(kernels))
        {
            // Rounded activations and the F16 cache are canonical-1's own; corners (infinite groups) differ by design.
            if (name is "matmul-corners" || name.StartsWith("codec-", StringComparison.Ordinal))
                continue;
            double tolerance = IsQuantized(name) ? 0.02 : name.StartsWith("attention", StringComparison.Ordinal) ? 5e-3 : 1e-5;
            uint[] expected = answers[name];
            double largest = expected.Max(bits => Math.Abs((double)BitConverter.UInt32BitsToSingle(bits)));
            for (int i = 0; i < output.Length; i++)
            {
                float seen = BitConverter.UInt32BitsToSingle(output[i]), wanted = BitConverter.UInt32BitsToSingle(expected[i]);
                if (!(Math.Abs(seen - wanted) <= tolerance * largest) && seen != wanted)
                    throw new NumericsException(name, $"value {i} is {seen}, expected {wanted} within {tolerance * largest:g3}");
            }
        }
    }

    private static bool IsQuantized(string name) =>
        Enum.GetValues<WeightFormat>().Any(format => WeightFormats.GroupLength(format) > 1 && name == $"matmul-{WeightFormats.Name(format)}");
}
