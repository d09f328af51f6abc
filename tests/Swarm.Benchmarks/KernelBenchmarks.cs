using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using Swarm.Kernels;
using Swarm.Kernels.Cpu;

namespace Swarm.Benchmarks;

/// <summary>The operations of one block of SmolLM2-135M, at position 200: decode, the decode steps of 16 sessions at once, and a prefill of 512 tokens.</summary>
[MemoryDiagnoser]
public unsafe class KernelBenchmarks
{
    private const int Hidden = 576, FeedForward = 1536, Position = 200;
    private static readonly AttentionShape s_shape = new(9, 3, 64, 0.125f);
    private readonly nint[] _pages = new nint[(Position + 512) / 64 + 1];
    private readonly RotaryTable _rotary = new(RotaryLayout.Interleaved, [.. Enumerable.Range(0, 32).Select(i => (float)HostMath.Pow(1e5, -i / 32.0))]);
    private CpuKernels _kernels = null!;
    private WeightMatrix _square = null!, _wide = null!, _tall = null!;
    private float[] _input = [], _output = [], _ones = [];

    [Params(1, 2)]
    public int Threads { get; set; } = 1;

    [Params(1, 16, 512)]
    public int Tokens { get; set; } = 1;

    [Params(WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16, WeightFormat.Q8_0, WeightFormat.Q4_0, WeightFormat.Q4_1)]
    public WeightFormat Format { get; set; } = WeightFormat.Q8_0;

    [GlobalSetup]
    public void Setup()
    {
        _kernels = new CpuKernels(Threads);
        _square = Pack(Hidden, Hidden);
        _wide = Pack(FeedForward, Hidden);
        _tall = Pack(Hidden, FeedForward);
        _input = new float[Tokens * FeedForward];
        for (int i = 0; i < _input.Length; i++)
            _input[i] = (i * 7919 % 2001 - 1000) * 0.001f;
        _output = new float[Tokens * FeedForward];
        _ones = [.. Enumerable.Repeat(1f, Hidden)];
        for (int i = 0; i < _pages.Length; i++)
            _pages[i] = (nint)NativeMemory.AlignedAlloc((nuint)_kernels.KvPageBytes(s_shape), 64);
        for (int position = 0; position < Position; position++)
            _kernels.StoreKeyValues(s_shape, _pages, 0, position, 1, _input.AsSpan(0, 192), _input.AsSpan(192, 192));
        Store();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _square.Dispose();
        _wide.Dispose();
        _tall.Dispose();
        _kernels.Dispose();
        foreach (nint page in _pages)
            NativeMemory.AlignedFree((void*)page);
    }

    [Benchmark]
    public void MatMulSquare() => _kernels.MatMul(_square, _input.AsSpan(0, Tokens * Hidden), Tokens, default, _output.AsSpan(0, Tokens * Hidden));

    [Benchmark]
    public void MatMulWide() => _kernels.MatMul(_wide, _input.AsSpan(0, Tokens * Hidden), Tokens, default, _output);

    [Benchmark]
    public void MatMulTall() => _kernels.MatMul(_tall, _input, Tokens, default, _output.AsSpan(0, Tokens * Hidden));

    [Benchmark]
    public void RmsNorm() => _kernels.RmsNorm(_input.AsSpan(0, Tokens * Hidden), _ones, 1e-5f, Tokens, _output.AsSpan(0, Tokens * Hidden));

    [Benchmark]
    public void Rotary() => _kernels.Rotary(_input.AsSpan(0, Tokens * Hidden), Tokens, 9, 64, _rotary, Position);

    [Benchmark]
    public void SwiGlu() => _kernels.SwiGlu(_output, _input);

    [Benchmark]
    public void Add() => _kernels.Add(_output.AsSpan(0, Tokens * Hidden), _input.AsSpan(0, Tokens * Hidden));

    [Benchmark]
    public void Store() => _kernels.StoreKeyValues(s_shape, _pages, 0, Position, Tokens, _input.AsSpan(0, Tokens * 192), _input.AsSpan(Tokens * 192, Tokens * 192));

    [Benchmark]
    public void Attention() => _kernels.Attention(s_shape, _pages, 0, Position, Tokens, _input.AsSpan(0, Tokens * Hidden), _output.AsSpan(0, Tokens * Hidden));

    private WeightMatrix Pack(int rows, int columns)
    {
        byte[] row = new byte[WeightFormats.RowBytes(Format, columns) * 16];
        int group = WeightFormats.GroupBytes(Format);
        for (int i = 0; i < row.Length; i++)
            row[i] = (byte)(i % group is 1 or 3 ? 0x1C : i * 37);
        return _kernels.Pack(Format, rows, columns, (_, count) => row.AsSpan(0, row.Length / 16 * count));
    }
}
