using Swarm.Kernels;
using Swarm.Kernels.Cpu;

namespace Swarm.Node.Measurement;

/// <summary>
/// Measures the CPU kernels, one token (decode), 16 (the decode steps of as many sessions) and 512 (prefill), against what the machine can do, all in one process and run: machines are shared and noisy, so only ratios
/// from neighbouring measurements mean anything. Each figure is a quantile of many short readings.
/// </summary>
public sealed class KernelMeasurement(TimeProvider time)
{
    private const int Passes = 5;
    private const int Rows = 4096;
    private const int Columns = 4096;
    private const int BatchTokens = 16;
    private const int PrefillTokens = 512;

    /// <summary>Which of the sorted times counts: 0.5 is the median; near 0, what the code does when nothing else runs.</summary>
    public double Quantile { get; init; } = 0.5;

    /// <summary>
    /// Measures every weight format; takes some seconds. Decode's floor is plain reading. That of the others is arithmetic on registers: for float formats
    /// multiply-adds of float32, for quantized ones products of bytes added up as int16, which Q8_0's do not fit and which leaves out scales and lanes.
    /// </summary>
    /// <param name="threads">Threads that compute.</param>
    /// <param name="workingSetBytes">Weights that decode streams; more than the last-level cache.</param>
    /// <param name="formats">Which formats; null for all.</param>
    /// <param name="width">Forced vector width; null for the best.</param>
    /// <param name="cancellationToken">Ends between two figures.</param>
    public IEnumerable<KernelFigure> Run(
        int threads, long workingSetBytes = 192L << 20, IEnumerable<WeightFormat>? formats = null, CpuWidth? width = null, CancellationToken cancellationToken = default)
    {
        using HardwareProbe probe = new(threads, workingSetBytes);
        double multiplyAdd = probe.Operations / Measure(Passes * 4, _ => probe.Compute());
        yield return new KernelFigure("read", "bytes", $"{probe.Bytes}", threads, ReadRate(probe), null, 1);
        yield return new KernelFigure("multiply-add", "F32", $"{probe.Operations}", threads, null, multiplyAdd, 1);
        double byteMultiplyAdd = probe.ByteOperations / Measure(Passes * 4, _ => probe.ComputeBytes());
        yield return new KernelFigure("multiply-add", "Int8", $"{probe.ByteOperations}", threads, null, byteMultiplyAdd, 1);
        using CpuKernels kernels = new(threads, width);
        foreach (WeightFormat format in formats ?? Enum.GetValues<WeightFormat>())
        {
            cancellationToken.ThrowIfCancellationRequested();
            List<WeightMatrix> weights = PackEnough(kernels, format, workingSetBytes);
            try
            {
                // The floor is read right before and after the kernel: a neighbour's load falls on both.
                double before = ReadRate(probe);
                double decode = Decode(kernels, weights);
                double floor = (before + ReadRate(probe)) / 2;
                yield return new KernelFigure("decode", format.ToString(), $"{Rows}x{Columns}", threads, decode, null, decode / floor);
                cancellationToken.ThrowIfCancellationRequested();
                double peak = WeightFormats.GroupLength(format) > 1 ? byteMultiplyAdd : multiplyAdd;
                foreach ((string name, int tokens) in ((string, int)[])[("batch", BatchTokens), ("prefill", PrefillTokens)])
                {
                    double rate = Product(kernels, weights, tokens);
                    yield return new KernelFigure(name, format.ToString(), $"{Rows}x{Columns}x{tokens}", threads, null, rate, rate / peak);
                }
            }
            finally
            {
                weights.ForEach(matrix => matrix.Dispose());
            }
        }
    }

    private static List<WeightMatrix> PackEnough(CpuKernels kernels, WeightFormat format, long bytes)
    {
        // The values do not change the time; one stretch of plausible rows serves all.
        byte[] stretch = new byte[WeightFormats.RowBytes(format, Columns) * 16];
        int group = WeightFormats.GroupBytes(format);
        for (int i = 0; i < stretch.Length; i++)
            stretch[i] = Plausible(format, i % group, (byte)(i * 37));
        List<WeightMatrix> weights = [];
        for (long packed = 0; packed < bytes; packed += weights[^1].ResidentBytes)
            weights.Add(kernels.Pack(format, Rows, Columns, (_, rows) => stretch.AsSpan(0, stretch.Length / 16 * rows)));
        return weights;
    }

    // No scale may be infinite or NaN; in groups of 256 it stands where it likes, so that no byte may be its upper one.
    private static byte Plausible(WeightFormat format, int place, byte value)
    {
        if (WeightFormats.GroupLength(format) == 256)
            return (byte)(value & 0xBF);
        if (format == WeightFormat.MXFP4)
            return place == 0 ? (byte)0x78 : value;
        return place is 1 or 3 ? (byte)0x1C : value;
    }

    private static float[] Input(int tokens)
    {
        float[] input = new float[tokens * Columns];
        for (int i = 0; i < input.Length; i++)
            input[i] = (i * 7919 % 2001 - 1000) * 0.001f;
        return input;
    }

    private double ReadRate(HardwareProbe probe) => probe.SliceBytes / Measure(Passes * HardwareProbe.Slices, _ => probe.Read());

    private double Decode(CpuKernels kernels, List<WeightMatrix> weights)
    {
        float[] input = Input(1), output = new float[Rows];
        return weights[0].ResidentBytes / Measure(Passes * weights.Count, pass => kernels.MatMul(weights[pass % weights.Count], input, 1, default, output));
    }

    // A batch reads its weights from memory, as decode does.
    private double Product(CpuKernels kernels, List<WeightMatrix> weights, int tokens)
    {
        float[] input = Input(tokens), output = new float[Rows * tokens];
        return 2.0 * Rows * Columns * tokens / Measure(Passes, pass => kernels.MatMul(weights[pass % weights.Count], input, tokens, default, output));
    }

    private double Measure(int passes, Action<int> action)
    {
        action(0);
        double[] seconds = new double[passes];
        for (int pass = 0; pass < passes; pass++)
        {
            long start = time.GetTimestamp();
            action(pass);
            seconds[pass] = time.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(seconds);
        return seconds[(int)(Quantile * (passes - 1))];
    }
}
