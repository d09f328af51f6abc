using System.Globalization;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Swarm.Benchmarks;
using Swarm.Kernels;
using Swarm.Kernels.Cpu;
using Swarm.Models.Files;
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

// "block [threads] [tokens] [format]" prints the least time of each operation of a small model's block: a look, not a measurement.
if (args is ["block", ..])
{
    KernelBenchmarks block = new()
    {
        Threads = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1,
        Tokens = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 1,
        Format = args.Length > 3 ? Enum.Parse<WeightFormat>(args[3]) : WeightFormat.Q8_0,
    };
    block.Setup();
    (string Name, Action Run)[] operations =
    [
        ("square", block.MatMulSquare), ("wide", block.MatMulWide), ("tall", block.MatMulTall), ("norm", block.RmsNorm), ("rotary", block.Rotary),
        ("swiglu", block.SwiGlu), ("add", block.Add), ("store", block.Store), ("attention", block.Attention),
    ];
    foreach ((string name, Action run) in operations)
    {
        double least = double.MaxValue;
        for (int pass = 0; pass < 2000 / block.Tokens + 20; pass++)
        {
            long start = TimeProvider.System.GetTimestamp();
            run();
            least = Math.Min(least, TimeProvider.System.GetElapsedTime(start).TotalMicroseconds);
        }

        Console.WriteLine($"{name,-10}{least,10:F1} us");
    }

    block.Cleanup();
    return;
}

// "codecs" prints where the time of the codecs with steps goes: a look, not a measurement.
if (args is ["codecs"])
{
    new CodecStages().Run();
    return;
}

// "transport" prints what TLS costs over loopback: connecting, round trips, bulk.
if (args is ["transport"])
{
    await TransportMeasurement.RunAsync();
    return;
}

// "routes" prints the least and the middle time of planning a route over two thousand nodes: a look, not a measurement.
if (args is ["routes"])
{
    foreach (int spans in new[] { 10, 40 })
    {
        RouteBenchmarks routes = new() { Span = spans };
        routes.Setup();
        foreach ((string name, Action run) in new (string, Action)[] { ("latency", () => routes.Latency()), ("throughput", () => routes.Throughput()) })
        {
            List<double> times = [];
            for (int pass = 0; pass < 60; pass++)
            {
                long start = TimeProvider.System.GetTimestamp();
                run();
                times.Add(TimeProvider.System.GetElapsedTime(start).TotalMilliseconds);
            }

            times.Sort();
            Console.WriteLine($"{name,-12}spans of {spans,2} {times[0],8:F1} ms least{times[times.Count / 2],8:F1} ms middle");
        }
    }

    return;
}

// "requantize FILE FORMAT TARGET" writes a GGUF file with its matrices in another format, for scripts/bench-peers.
if (args is ["requantize", var source, var format, var target])
{
    using GgufFile file = GgufFile.Open(source);
    GgufRequantizer.Write(file, Enum.Parse<WeightFormat>(format, ignoreCase: true), target);
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

// In this process: the tool's way of building a project per benchmark needs packages that are not at hand.
ManualConfig config = ManualConfig.Create(DefaultConfig.Instance)
    .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
    .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "swarm-benchmarks"));
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
