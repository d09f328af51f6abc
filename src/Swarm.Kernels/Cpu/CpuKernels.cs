using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Swarm.Kernels.Cpu;

/// <summary>
/// The numerics class canonical-1 on the processor (docs/canonical-1.md): the same bits at every <see cref="CpuWidth"/>, thread count,
/// batch size and chunking.
/// </summary>
public sealed unsafe class CpuKernels : KernelSet
{
    // Below this many multiply-adds a sleeping thread would come too late to help.
    private const long WakeWork = 1 << 18;

    private readonly CpuOps _ops;
    private readonly WorkerPool _pool;
    private readonly QuantizedInput _quantized = new();
    private readonly TransposedInput _transposed = new();
    private readonly NativeBuffer[] _scratch;
    private readonly NativeBuffer _halves = new();
    private readonly Action<int, int> _quantizePart;
    private readonly Action<int, int> _transposePart;
    private readonly Action<int, int> _matMulPart;
    private readonly Action<int, int> _attentionPart;
    private readonly Action<int, int> _gatePart;

    // Arguments of the call that the pool divides at the moment.
    private TileMatrix? _weights;
    private float* _input;
    private float* _bias;
    private float* _output;
    private int _tokens;
    private int _length;
    private int _chunks;
    private AttentionJob _attention;
    private int _attentionTokens;
    private bool _disposed;

    /// <param name="threads">Threads that compute, the caller included.</param>
    /// <param name="width">Forces a width; null takes the widest that the processor has (<see cref="BestWidth"/>). A width that it lacks is computed by narrower steps.</param>
    public CpuKernels(int threads, CpuWidth? width = null)
    {
        _ops = (width ?? BestWidth) switch
        {
            CpuWidth.Scalar => new ScalarOps(),
            CpuWidth.Vector128 => new VectorOps<Width128, Vector128<byte>>(),
            CpuWidth.Vector256 => new VectorOps<Width256, Vector256<byte>>(),
            CpuWidth.Vector512 => new VectorOps<Width512, Vector512<byte>>(),
            _ => throw new ArgumentOutOfRangeException(nameof(width), width, "not a width"),
        };
        _pool = new WorkerPool(threads);
        _scratch = new NativeBuffer[threads];
        for (int i = 0; i < threads; i++)
            _scratch[i] = new NativeBuffer();
        _quantizePart = (_, block) => _ops.Quantize(_quantized, _input, block);
        _transposePart = (_, strip) => _transposed.Fill(strip, _input);
        _matMulPart = MatMulPart;
        _attentionPart = AttentionPart;
        _gatePart = GatePart;
    }

    /// <summary>The widest vectors whose instructions the processor has.</summary>
    public static CpuWidth BestWidth =>
        Avx512BW.IsSupported ? CpuWidth.Vector512
        : Avx2.IsSupported ? CpuWidth.Vector256
        : Vector128.IsHardwareAccelerated ? CpuWidth.Vector128
        : CpuWidth.Scalar;

    public override string NumericsClass => "canonical-1";

    public override int Threads => _pool.Threads;

    /// <summary>The width in use.</summary>
    public CpuWidth Width => _ops.Width;

    /// <summary>Which path served the calls so far.</summary>
    public CpuCounters Counters { get; } = new();

    public override WeightMatrix Pack(WeightFormat format, int rows, int columns, RowReader source) => new TileMatrix(format, rows, columns, source);

    public override void MatMul(WeightMatrix weights, ReadOnlySpan<float> input, int tokens, ReadOnlySpan<float> bias, Span<float> output)
    {
        if (weights is not TileMatrix matrix)
            throw new ArgumentException($"{weights.GetType().Name} was packed by another kernel set", nameof(weights));
        Shapes.MatMul(weights, input.Length, tokens, bias.Length, output.Length);
        ObjectDisposedException.ThrowIf(_disposed, this);
        matrix.CheckAlive();
        if (tokens == 0)
            return;
        fixed (float* inputPointer = input, biasPointer = bias, outputPointer = output)
        {
            (_weights, _tokens) = (matrix, tokens);
            _input = inputPointer;
            _bias = biasPointer;
            _output = outputPointer;
            long work = (long)matrix.Rows * matrix.Columns * tokens;
            if (WeightFormats.GroupLength(matrix.Format) > 1)
            {
                _quantized.Prepare(tokens, matrix.Columns);
                _pool.Run(_quantized.Blocks, wake: work >= WakeWork, _quantizePart);
            }
            else if (tokens >= _ops.TransposeFrom)
            {
                _transposed.Prepare(tokens, matrix.Columns);
                _pool.Run(_transposed.Strips, wake: true, _transposePart);
            }

            _chunks = Math.Min(matrix.Tiles, Math.Min(WorkerPool.MaxChunks, Threads == 1 ? 1 : Threads * 8));
            _pool.Run(_chunks, wake: work >= WakeWork, _matMulPart);
            Count(tokens);
            _weights = null;
        }

        GC.KeepAlive(weights);
    }

    public override void RmsNorm(ReadOnlySpan<float> input, ReadOnlySpan<float> weight, float epsilon, int tokens, Span<float> output)
    {
        Shapes.RmsNorm(input.Length, weight.Length, tokens, output.Length);
        float reciprocalWidth = (float)(1.0 / weight.Length);
        fixed (float* inputPointer = input, weightPointer = weight, outputPointer = output)
        {
            for (long token = 0; token < tokens; token++)
                _ops.RmsNorm(inputPointer + token * weight.Length, weightPointer, epsilon, reciprocalWidth, weight.Length, outputPointer + token * weight.Length);
        }
    }

    public override void Rotary(Span<float> values, int tokens, int heads, int headDimension, RotaryTable table, int firstPosition)
    {
        Shapes.Rotary(values.Length, tokens, heads, headDimension, table, firstPosition);
        table.Extend(firstPosition + tokens);
        fixed (float* pointer = values)
        {
            for (int token = 0; token < tokens; token++)
            {
                fixed (float* cosines = table.Cosines(firstPosition + token), sines = table.Sines(firstPosition + token))
                    _ops.Rotary(pointer + (long)token * heads * headDimension, heads, headDimension, table.Layout, cosines, sines, table.Pairs);
            }
        }
    }

    public override void SwiGlu(Span<float> gate, ReadOnlySpan<float> up)
    {
        Shapes.Length(up.Length, gate.Length, nameof(up));
        fixed (float* gatePointer = gate, upPointer = up)
        {
            _output = gatePointer;
            _input = upPointer;
            _length = gate.Length;
            _pool.Run((gate.Length + GateStretch - 1) / GateStretch, wake: gate.Length >= 8 * GateStretch, _gatePart);
        }
    }

    public override void Add(Span<float> target, ReadOnlySpan<float> addend)
    {
        Shapes.Length(addend.Length, target.Length, nameof(addend));
        fixed (float* targetPointer = target, addendPointer = addend)
            _ops.Add(targetPointer, addendPointer, target.Length);
    }

    /// <summary>For each key-value head F16 keys [HeadDimension][64], then F16 values [64][HeadDimension].</summary>
    public override int KvPageBytes(in AttentionShape shape)
    {
        Shapes.Attention(shape);
        return checked(shape.KeyValueHeads * shape.HeadDimension * PagePositions * 2 * sizeof(ushort));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void StoreKeyValues(
        in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int firstPosition, int tokens,
        ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        Shapes.Attention(shape);
        Shapes.Pages(pages.Length, firstPosition, tokens);
        int size = shape.HeadDimension;
        int width = shape.KeyValueHeads * size;
        Shapes.Length(keys.Length, (long)tokens * width, nameof(keys));
        Shapes.Length(values.Length, (long)tokens * width, nameof(values));
        ushort* halves = (ushort*)_halves.Require(width * sizeof(ushort));
        fixed (nint* pagePointer = pages)
        fixed (float* keyPointer = keys, valuePointer = values)
        {
            AttentionJob job = new() { Shape = shape, Pages = pagePointer, PageOffset = pageOffset };
            for (int token = 0; token < tokens; token++)
            {
                (int page, int slot) = Math.DivRem(firstPosition + token, PagePositions);
                _ops.ToHalf(keyPointer + (long)token * width, halves, width);
                for (int head = 0; head < shape.KeyValueHeads; head++)
                {
                    ushort* key = job.Keys(page, head) + slot;
                    for (int d = 0; d < size; d++)
                        key[d * PagePositions] = halves[head * size + d];
                    _ops.ToHalf(valuePointer + (long)token * width + head * size, job.Values(page, head) + slot * size, size);
                }
            }
        }
    }

    public override void Attention(
        in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int firstPosition, int tokens,
        ReadOnlySpan<float> queries, Span<float> output)
    {
        Shapes.Attention(shape);
        Shapes.Pages(pages.Length, firstPosition, tokens);
        Shapes.Length(queries.Length, (long)tokens * shape.Heads * shape.HeadDimension, nameof(queries));
        Shapes.Length(output.Length, queries.Length, nameof(output));
        if (tokens == 0)
            return;
        fixed (nint* pagePointer = pages)
        fixed (float* queryPointer = queries, outputPointer = output)
        {
            _attention = new AttentionJob
            {
                Shape = shape, Pages = pagePointer, PageOffset = pageOffset, FirstPosition = firstPosition, Queries = queryPointer, Output = outputPointer,
            };
            _attentionTokens = tokens;
            int stretches = (tokens + AttentionStretch - 1) / AttentionStretch;
            long work = 2L * shape.Heads * shape.HeadDimension * tokens * (firstPosition + tokens);
            _pool.Run(checked(shape.KeyValueHeads * stretches), wake: work >= WakeWork, _attentionPart);
            if (Width != CpuWidth.Scalar)
                Counters.AttentionVector++;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing || _disposed)
            return;
        _disposed = true;
        _pool.Dispose();
        _quantized.Dispose();
        _transposed.Dispose();
        _halves.Dispose();
        foreach (NativeBuffer scratch in _scratch)
            scratch.Dispose();
    }

    // Tokens whose queries share one reading of a page.
    private const int AttentionStretch = 16;

    // Values of a gate that one thread takes at a time; decode of a small model is one or two.
    private const int GateStretch = 4096;

    private void GatePart(int worker, int chunk)
    {
        long first = (long)chunk * GateStretch;
        _ops.SwiGlu(_output + first, _input + first, Math.Min(GateStretch, _length - first));
    }

    private void AttentionPart(int worker, int chunk)
    {
        (int stretch, int head) = Math.DivRem(chunk, _attention.Shape.KeyValueHeads);
        int first = stretch * AttentionStretch;
        int count = Math.Min(AttentionStretch, _attentionTokens - first);
        byte* scratch = _scratch[worker].Require(_ops.AttentionScratch(_attention.Shape, count));
        _ops.Attend(_attention, head, first, count, scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MatMulPart(int worker, int chunk)
    {
        const int Block = QuantizedInput.BlockTokens;
        TileMatrix weights = _weights!;
        int tokens = Math.Min(Block, _tokens);
        bool quantized = WeightFormats.GroupLength(weights.Format) > 1;
        bool transposed = !quantized && _tokens >= _ops.TransposeFrom;
        long floats = quantized ? 8L * tokens * TileMatrix.TileRows : _ops.FloatScratch(weights, _tokens);
        float* sums = (float*)_scratch[worker].Require((Block * TileMatrix.TileRows + floats) * sizeof(float));
        float* scratch = sums + Block * TileMatrix.TileRows;
        int firstTile = (int)((long)weights.Tiles * chunk / _chunks);
        int lastTile = (int)((long)weights.Tiles * (chunk + 1) / _chunks);
        for (int first = 0; first < _tokens; first += Block)
        {
            int count = Math.Min(Block, _tokens - first);
            for (int tile = firstTile; tile < lastTile; tile++)
            {
                if (quantized)
                    _ops.TileQuantized(weights, tile, _quantized, first / Block, sums, scratch);
                else if (transposed)
                    _ops.TileTransposed(weights, tile, _transposed, first / TransposedInput.StripTokens, (count + TransposedInput.StripTokens - 1) / TransposedInput.StripTokens, sums, scratch);
                else
                    _ops.TileFloat(weights, tile, _input + (long)first * weights.Columns, count, sums, scratch);
                Write(weights, tile, first, count, sums);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Write(TileMatrix weights, int tile, int firstToken, int tokens, float* sums)
    {
        int row = tile * TileMatrix.TileRows;
        int rows = Math.Min(TileMatrix.TileRows, weights.Rows - row);
        for (int token = 0; token < tokens; token++)
        {
            float* output = _output + (long)(firstToken + token) * weights.Rows + row;
            float* from = sums + token * TileMatrix.TileRows;
            if (_bias == null)
            {
                new ReadOnlySpan<float>(from, rows).CopyTo(new Span<float>(output, rows));
                continue;
            }

            for (int r = 0; r < rows; r++)
                output[r] = from[r] + _bias[row + r];
        }
    }

    private void Count(int tokens)
    {
        if (Width == CpuWidth.Scalar)
            Counters.MatMulScalar++;
        else
            Counters.MatMulVector++;
        if (tokens > 1)
            Counters.MatMulBatched++;
        if (_chunks > 1)
            Counters.MatMulDivided++;
    }
}
