using System.Globalization;
using BenchmarkDotNet.Running;
using Swarm.Kernels;
using Swarm.Kernels.Cpu;
using Swarm.Node.Measurement;

// "quick [threads] [width] [quantile]" prints every kernel's share of its floor in some seconds; anything else goes to BenchmarkDotNet.
if (args is ["quick", ..])
{
    int threads = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : Environment.ProcessorCount;
    CpuWidth? width = args.Length > 2 ? Enum.Parse<CpuWidth>(args[2]) : null;
    double quantile = args.Length > 3 ? double.Parse(args[3], CultureInfo.InvariantCulture) : 0.5;
    foreach (KernelFigure figure in new KernelMeasurement(TimeProvider.System) { Quantile = quantile }.Run(threads, width: width))
        Console.WriteLine($"{figure.Name,-14}{figure.Type,-6}{figure.Shape,-20}{figure.BytesPerSecond / 1e9,8:F2} GB/s{figure.FlopsPerSecond / 1e9,10:F1} Gflop/s{figure.FloorFraction,8:P0}");
    return;
}

// "vectors" prints the table of docs/canonical-1.md.
if (args is ["vectors"])
{
    using CpuKernels scalar = new(1, CpuWidth.Scalar);
    foreach ((string name, uint[] output) in KnownAnswers.Compute(scalar))
        Console.WriteLine($"| `{name}` | {output.Length} | `{KnownAnswers.Hash(output):x16}` | `{string.Join(' ', output.Take(6).Select(value => value.ToString("x8", CultureInfo.InvariantCulture)))}` |");
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
