using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Swarm.Kernels.Cpu;

/// <summary>
/// The numerics class canonical-1 on the processor (docs/canonical-1.md): the same bits at every <see cref="CpuWidth"/>, thread count,
/// batch size and chunking.
/// </summary>
public sealed unsafe partial class CpuKernels : KernelSet
{
    // Below this many multiply-adds a sleeping thread would come too late to help.
    private const long WakeWork = 1 << 18;

    // Small enough that threads finish a product at about the same time, though one of them began late or was held up.
    private const int ChunksPerThread = 16;

    private readonly CpuOps _ops;
    private readonly CpuOps _quantizedOps;
    private readonly WorkerPool _pool;
    private readonly QuantizedInput _quantized = new();
    private readonly TransposedInput _transposed = new();
    private readonly NativeBuffer[] _scratch;
    private readonly CpuAttention _attention;
    private readonly WeightMemory _memory = new();
    private readonly Action<int, int> _quantizePart;
    private readonly Action<int, int> _transposePart;
    private readonly Action<int, int> _matMulChunk;
    private readonly Action<int, int> _gatePart;
    private readonly Action<int, int> _normPart;
    private readonly Action<int, int> _layerNormPart;
    private readonly CpuWidth? _asked;
    private readonly bool _isProbe;

    // Arguments of the call that the pool divides at the moment.
    private MatMulPart[] _parts = new MatMulPart[4];
    private int _partCount;
    private int _tiles;
    private float* _input;
    private float* _output;
    private int _tokens;
    private float* _normWeight;
    private float* _normBias;
    private Activation _activation;
    private float _epsilon;
    private int _length;
    private int _chunks;
    private bool _disposed;

    /// <param name="threads">Threads that compute, the caller included.</param>
    /// <param name="width">Forces a width; null takes the widest that the processor has (<see cref="BestWidth"/>). A width that it lacks is computed by narrower steps.</param>
    public CpuKernels(int threads, CpuWidth? width = null)
        : this(threads, width, isProbe: false)
    {
    }

    private CpuKernels(int threads, CpuWidth? width, bool isProbe)
    {
        _asked = width;
        _isProbe = isProbe;
        _ops = (width ?? BestWidth) switch
        {
            CpuWidth.Scalar => new ScalarOps(),
            CpuWidth.Vector128 => new VectorOps<Width128, Vector128<byte>>(),
            CpuWidth.Vector256 => new VectorOps<Width256, Vector256<byte>>(),
            CpuWidth.Vector512 => new VectorOps<Width512, Vector512<byte>>(),
            _ => throw new ArgumentOutOfRangeException(nameof(width), width, "not a width"),
        };
        _quantizedOps = width is null && Width256.HasDot ? new VectorOps<Width256, Vector256<byte>>() : _ops;
        _pool = new WorkerPool(threads);
        _scratch = new NativeBuffer[threads];
        for (int i = 0; i < threads; i++)
            _scratch[i] = new NativeBuffer();
        _attention = new CpuAttention(_ops, _pool, _scratch, Counters);
        _quantizePart = (_, token) => _ops.Quantize(_quantized, _input, token);
        _transposePart = (_, strip) => _transposed.Fill(strip, _input);
        _matMulChunk = MatMulChunk;
        _gatePart = GatePart;
        _normPart = NormPart;
        _layerNormPart = LayerNormPart;
    }

    /// <summary>The widest vectors whose instructions the processor has.</summary>
    public static CpuWidth BestWidth =>
        Avx512BW.IsSupported ? CpuWidth.Vector512
        : Avx2.IsSupported ? CpuWidth.Vector256
        : Vector128.IsHardwareAccelerated ? CpuWidth.Vector128
        : CpuWidth.Scalar;

    public override string NumericsClass => "canonical-1";

    public override int Threads => _pool.Threads;

    /// <summary>Weight formats whose known answer was asked for before their first matrix, a bit each.</summary>
    internal long CheckedFormats { get; private set; }

    /// <summary>Whether quantized weights are multiplied by dot products of four bytes; a test may turn it on where they are computed by other steps.</summary>
    internal bool TakesDots
    {
        get => _quantizedOps.TakesDots;
        set => _quantizedOps.TakesDots = value;
    }

    /// <summary>The width in use.</summary>
    public CpuWidth Width => _ops.Width;

    /// <summary>Which path served the calls so far.</summary>
    public CpuCounters Counters { get; } = new();

    /// <inheritdoc/>
    /// <exception cref="NumericsException">This machine computes products of the format otherwise than the numerics class says: asked once a process, before the first matrix of it.</exception>
    public override WeightMatrix Pack(WeightFormat format, int rows, int columns, RowReader source)
    {
        if (!_isProbe && (CheckedFormats & (1L << (int)format)) == 0)
        {
            SelfTest.Require(_asked, format);
            CheckedFormats |= 1L << (int)format;
        }

        return new TileMatrix(format, rows, columns, source, _memory);
    }

    /// <summary>The same kernels on one thread, to be asked for known answers.</summary>
    internal static CpuKernels CreateProbe(CpuWidth? width) => new(1, width, isProbe: true);

    public override void MatMul(WeightMatrix weights, ReadOnlySpan<float> input, int tokens, ReadOnlySpan<float> bias, Span<float> output)
    {
        Expect(new Product(weights, bias, output), input, tokens);
        fixed (float* inputPointer = input, biasPointer = bias, outputPointer = output)
        {
            _parts[0] = new MatMulPart { Weights = (TileMatrix)weights, Bias = biasPointer, Output = outputPointer };
            RunParts(1, inputPointer, tokens);
        }
    }

    public override void MatMulThree(ReadOnlySpan<float> input, int tokens, in Product first, in Product second, in Product third)
    {
        Expect(first, input, tokens);
        Expect(second, input, tokens);
        Expect(third, input, tokens);
        fixed (float* inputPointer = input, bias0 = first.Bias, bias1 = second.Bias, bias2 = third.Bias)
        fixed (float* output0 = first.Output, output1 = second.Output, output2 = third.Output)
        {
            _parts[0] = new MatMulPart { Weights = (TileMatrix)first.Weights, Bias = bias0, Output = output0 };
            _parts[1] = new MatMulPart { Weights = (TileMatrix)second.Weights, Bias = bias1, Output = output1 };
            _parts[2] = new MatMulPart { Weights = (TileMatrix)third.Weights, Bias = bias2, Output = output2 };
            RunParts(3, inputPointer, tokens);
            Counters.MatMulThree++;
        }
    }

    public override void MatMulAdd(WeightMatrix weights, ReadOnlySpan<float> input, int tokens, ReadOnlySpan<float> bias, Span<float> target)
    {
        Expect(new Product(weights, bias, target), input, tokens);
        fixed (float* inputPointer = input, biasPointer = bias, targetPointer = target)
        {
            _parts[0] = new MatMulPart { Weights = (TileMatrix)weights, Bias = biasPointer, Output = targetPointer, Adds = true };
            RunParts(1, inputPointer, tokens);
            Counters.MatMulAdd++;
        }
    }

    public override void MatMulGated(
        ReadOnlySpan<float> input, int tokens, in Product gate, WeightMatrix up, ReadOnlySpan<float> upBias, Activation activation = Activation.Silu)
    {
        Expect(gate, input, tokens);
        Expect(new Product(up, upBias, gate.Output), input, tokens);
        fixed (float* inputPointer = input, gateBias = gate.Bias, upBiasPointer = upBias, outputPointer = gate.Output)
        {
            _parts[0] = new MatMulPart
            {
                Weights = (TileMatrix)gate.Weights, Up = (TileMatrix)up, Form = new GateForm { Activation = activation }, Bias = gateBias, UpBias = upBiasPointer, Output = outputPointer,
            };
            RunParts(1, inputPointer, tokens);
            Counters.MatMulGated++;
        }
    }

    public override void RmsNorm(ReadOnlySpan<float> input, ReadOnlySpan<float> weight, float epsilon, int tokens, Span<float> output)
    {
        Shapes.RmsNorm(input.Length, weight.Length, tokens, output.Length);
        fixed (float* inputPointer = input, weightPointer = weight, outputPointer = output)
        {
            _input = inputPointer;
            _output = outputPointer;
            _normWeight = weightPointer;
            _length = weight.Length;
            _tokens = tokens;
            _epsilon = epsilon;
            _pool.Run((tokens + NormStretch - 1) / NormStretch, wake: false, _normPart);
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

        GC.KeepAlive(table);
    }

    public override void LayerNorm(
        ReadOnlySpan<float> input, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, int tokens, Span<float> output)
    {
        Shapes.LayerNorm(input.Length, weight.Length, bias.Length, tokens, output.Length);
        fixed (float* inputPointer = input, weightPointer = weight, biasPointer = bias, outputPointer = output)
        {
            _input = inputPointer;
            _output = outputPointer;
            _normWeight = weightPointer;
            _normBias = biasPointer;
            _length = weight.Length;
            _tokens = tokens;
            _epsilon = epsilon;
            _pool.Run((tokens + NormStretch - 1) / NormStretch, wake: false, _layerNormPart);
        }
    }

    public override void LayerNormRow(ReadOnlySpan<float> input, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, Span<float> output)
    {
        Shapes.LayerNorm(input.Length, weight.Length, bias.Length, 1, output.Length);
        fixed (float* inputPointer = input, weightPointer = weight, biasPointer = bias, outputPointer = output)
            _ops.LayerNorm(inputPointer, weightPointer, biasPointer, epsilon, (float)(1.0 / weight.Length), weight.Length, outputPointer);
    }

    public override void Gate(Activation activation, Span<float> gate, ReadOnlySpan<float> up)
    {
        Shapes.Length(up.Length, gate.Length, nameof(up));
        fixed (float* gatePointer = gate, upPointer = up)
            RunGate(activation, gatePointer, upPointer, gate.Length);
    }

    public override void Activate(Activation activation, Span<float> values)
    {
        fixed (float* pointer = values)
            RunGate(activation, pointer, null, values.Length);
    }

    public override void Scale(Span<float> values, float factor)
    {
        fixed (float* pointer = values)
            _ops.Multiply(pointer, factor, values.Length);
    }

    public override void SoftCap(Span<float> values, float cap)
    {
        fixed (float* pointer = values)
            _ops.SoftCap(pointer, cap, (float)(1.0 / cap), values.Length);
    }

    public override void Add(Span<float> target, ReadOnlySpan<float> addend)
    {
        Shapes.Length(addend.Length, target.Length, nameof(addend));
        fixed (float* targetPointer = target, addendPointer = addend)
            _ops.Add(targetPointer, addendPointer, target.Length);
    }

    /// <summary>For each key-value head F16 keys [HeadDimension][64], then F16 values [64][ValueDimension] where they are not among the keys.</summary>
    public override int KvPageBytes(in AttentionShape shape)
    {
        Shapes.Attention(shape);
        return checked(shape.StoredWidth * PagePositions * sizeof(ushort));
    }

    public override void StoreKeyValues(
        in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int firstPosition, int tokens,
        ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        Shapes.Attention(shape);
        Shapes.Pages(pages.Length, firstPosition, tokens);
        Shapes.Length(keys.Length, (long)tokens * shape.KeyWidth, nameof(keys));
        Shapes.Length(values.Length, (long)tokens * shape.ValueWidth, nameof(values));
        if (tokens == 0)
            return;
        fixed (float* keyPointer = keys, valuePointer = values)
            _attention.Store(shape, _attention.Step(pages, firstPosition, tokens), pageOffset, keyPointer, valuePointer);
    }

    public override void Attention(
        in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int firstPosition, int tokens,
        ReadOnlySpan<float> queries, Span<float> output)
    {
        Shapes.Attention(shape);
        Shapes.Pages(pages.Length, firstPosition, tokens);
        Shapes.Length(queries.Length, (long)tokens * shape.QueryWidth, nameof(queries));
        Shapes.Length(output.Length, (long)tokens * shape.OutputWidth, nameof(output));
        if (tokens == 0)
            return;
        fixed (float* queryPointer = queries, outputPointer = output)
            _attention.Attend(shape, _attention.Step(pages, firstPosition, tokens), pageOffset, null, queryPointer, null, null, outputPointer);
    }

    public override void AttendSteps(
        in AttentionShape shape, ReadOnlySpan<AttentionStep> steps, long pageOffset, RotaryTable? rotary,
        Span<float> queries, Span<float> keys, ReadOnlySpan<float> values, Span<float> output)
    {
        Shapes.Steps(shape, steps, rotary, queries.Length, keys.Length, values.Length, output.Length);
        if (steps.Length == 0)
            return;
        fixed (float* queryPointer = queries, keyPointer = keys, valuePointer = values, outputPointer = output)
            _attention.Attend(shape, steps, pageOffset, rotary, queryPointer, keyPointer, valuePointer, outputPointer);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing || _disposed)
            return;
        _disposed = true;
        _pool.Dispose();
        _quantized.Dispose();
        _transposed.Dispose();
        _attention.Dispose();
        foreach (NativeBuffer scratch in _scratch)
            scratch.Dispose();
    }

    // Values of a gate that one thread takes at a time; decode of a small model is one or two.
    private const int GateStretch = 4096;

    // Tokens whose norms one thread takes at a time.
    private const int NormStretch = 8;

    private void NormPart(int worker, int chunk)
    {
        float reciprocalWidth = (float)(1.0 / _length);
        int last = Math.Min(_tokens, (chunk + 1) * NormStretch);
        for (int token = chunk * NormStretch; token < last; token++)
        {
            long offset = (long)token * _length;
            _ops.RmsNorm(_input + offset, _normWeight, _epsilon, reciprocalWidth, _length, _output + offset);
        }
    }

    private void LayerNormPart(int worker, int chunk)
    {
        float reciprocalWidth = (float)(1.0 / _length);
        int last = Math.Min(_tokens, (chunk + 1) * NormStretch);
        for (int token = chunk * NormStretch; token < last; token++)
        {
            long offset = (long)token * _length;
            _ops.LayerNorm(_input + offset, _normWeight, _normBias, _epsilon, reciprocalWidth, _length, _output + offset);
        }
    }

    private void RunGate(Activation activation, float* gate, float* up, int length)
    {
        _activation = activation;
        _output = gate;
        _input = up;
        _length = length;
        _pool.Run((length + GateStretch - 1) / GateStretch, wake: length >= 8 * GateStretch, _gatePart);
    }

    private void GatePart(int worker, int chunk)
    {
        long first = (long)chunk * GateStretch;
        _ops.Gate(_activation, _output + first, _input == null ? null : _input + first, Math.Min(GateStretch, _length - first));
    }

    private void Expect(in Product product, ReadOnlySpan<float> input, int tokens)
    {
        if (product.Weights is not TileMatrix matrix)
            throw new ArgumentException($"{product.Weights.GetType().Name} was packed by another kernel set", nameof(product));
        Shapes.MatMul(matrix, input.Length, tokens, product.Bias.Length, product.Output.Length);
        ObjectDisposedException.ThrowIf(_disposed, this);
        matrix.CheckAlive();
    }

    /// <summary>Computes the first <paramref name="count"/> of the parts: the input is brought into the forms that their formats read, then their tiles are divided as if they were one matrix.</summary>
    private void RunParts(int count, float* input, int tokens)
    {
        if (tokens == 0)
            return;
        for (int i = 0; i < count; i++)
            _parts[i].Tokens = tokens;
        RunParts(count, 1, input, tokens);
    }

    /// <summary>The same for parts that read <see cref="MatMulPart.Tokens"/> rows of the input: all the same ones, or each its own.</summary>
    private void RunParts(int count, int sets, float* input, int tokens)
    {
        _partCount = count;
        _input = input;
        _tiles = 0;
        bool quantized = false, floats = false;
        int columns = _parts[0].Weights.Columns, most = 0;
        long work = 0;
        for (int i = 0; i < count; i++)
        {
            ref MatMulPart part = ref _parts[i];
            _tiles += part.Weights.Tiles;
            work += (long)part.Weights.Tiles * TileMatrix.TileRows * columns * part.Tokens;
            most = Math.Max(most, part.Tokens);
            bool groups = WeightFormats.GroupLength(part.Weights.Format) > 1;
            bool upGroups = part.Up is null ? groups : WeightFormats.GroupLength(part.Up.Format) > 1;
            quantized |= groups | upGroups;
            floats |= !(groups & upGroups);
        }

        bool wake = work >= WakeWork;
        if (quantized)
        {
            _quantized.Prepare(tokens, sets, columns);
            for (int i = 0; i < sets; i++)
                _parts[i].FirstBlock = _quantized.Append(_parts[i].Tokens);
            _pool.Run(tokens, wake, _quantizePart);
        }

        if (floats && most >= _ops.TransposeFrom)
        {
            _transposed.Prepare(tokens, sets, columns);
            for (int i = 0; i < sets; i++)
            {
                if (_parts[i].Tokens >= _ops.TransposeFrom)
                    _parts[i].FirstStrip = _transposed.Append(_parts[i].Tokens);
                else
                    _transposed.Skip(_parts[i].Tokens);
            }

            _pool.Run(_transposed.Strips, wake: true, _transposePart);
        }

        _chunks = Threads == 1 ? 1 : Math.Min(_tiles, Math.Min(WorkerPool.MaxChunks, Threads * ChunksPerThread));
        _pool.Run(_chunks, wake, _matMulChunk);
        Count(count, most);
        for (int i = 0; i < count; i++)
        {
            // A matrix is not finalized while its memory is read.
            GC.KeepAlive(_parts[i].Weights);
            GC.KeepAlive(_parts[i].Up);
            _parts[i] = default;
        }
    }

    private void MatMulChunk(int worker, int chunk)
    {
        int first = (int)((long)_tiles * chunk / _chunks);
        int last = (int)((long)_tiles * (chunk + 1) / _chunks);
        for (int i = 0; i < _partCount && last > 0; i++)
        {
            int tiles = _parts[i].Weights.Tiles;
            if (first < tiles)
                ComputeTiles(_parts[i], first, Math.Min(last, tiles), worker);
            first = Math.Max(0, first - tiles);
            last -= tiles;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ComputeTiles(in MatMulPart part, int firstTile, int lastTile, int worker)
    {
        const int Block = QuantizedInput.BlockTokens;
        const int BlockSums = Block * TileMatrix.TileRows;
        long floats = Math.Max(TileScratch(part.Weights, part.Tokens), part.Up is null ? 0 : TileScratch(part.Up, part.Tokens));
        float* sums = (float*)_scratch[worker].Require((2 * BlockSums + floats) * sizeof(float));
        float* upSums = sums + BlockSums;
        float* scratch = upSums + BlockSums;
        for (int first = 0; first < part.Tokens; first += Block)
        {
            int count = Math.Min(Block, part.Tokens - first);
            for (int tile = firstTile; tile < lastTile; tile++)
            {
                ComputeTile(part, part.Weights, tile, first, count, sums, scratch);
                AddBias(part.Bias, part.Weights, tile, count, sums);
                if (part.Up is not null)
                {
                    ComputeTile(part, part.Up, tile, first, count, upSums, scratch);
                    AddBias(part.UpBias, part.Up, tile, count, upSums);
                    if (part.Form.Limit > 0)
                        _ops.ClampedSwiGlu(sums, upSums, part.Form.Alpha, part.Form.Limit, count * TileMatrix.TileRows);
                    else
                        _ops.Gate(part.Form.Activation, sums, upSums, count * TileMatrix.TileRows);
                }

                Write(part, tile, first, count, sums);
            }
        }
    }

    private long TileScratch(TileMatrix weights, int tokens) =>
        WeightFormats.GroupLength(weights.Format) > 1 ? 8L * Math.Min(QuantizedInput.BlockTokens, tokens) * TileMatrix.TileRows : _ops.FloatScratch(weights, tokens);

    // sums [tokens][16] of one tile for one block of the part's tokens, which begins at firstToken of them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ComputeTile(in MatMulPart part, TileMatrix weights, int tile, int firstToken, int tokens, float* sums, float* scratch)
    {
        const int Strip = TransposedInput.StripTokens;
        if (WeightFormats.GroupLength(weights.Format) > 1)
            _quantizedOps.TileQuantized(weights, tile, _quantized, part.FirstBlock + firstToken / QuantizedInput.BlockTokens, sums, scratch);
        else if (part.Tokens >= _ops.TransposeFrom)
            _ops.TileTransposed(weights, tile, _transposed, part.FirstStrip + firstToken / Strip, (tokens + Strip - 1) / Strip, sums, scratch);
        else
            _ops.TileFloat(weights, tile, _input + ((long)part.FirstToken + firstToken) * weights.Columns, tokens, sums, scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddBias(float* bias, TileMatrix weights, int tile, int tokens, float* sums)
    {
        if (bias == null)
            return;
        bias += tile * TileMatrix.TileRows;
        int rows = Math.Min(TileMatrix.TileRows, weights.Rows - tile * TileMatrix.TileRows);
        for (int token = 0; token < tokens; token++, sums += TileMatrix.TileRows)
        {
            for (int r = 0; r < rows; r++)
                sums[r] += bias[r];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Write(in MatMulPart part, int tile, int firstToken, int tokens, float* sums)
    {
        int row = tile * TileMatrix.TileRows;
        int rows = Math.Min(TileMatrix.TileRows, part.Weights.Rows - row);
        for (int token = 0; token < tokens; token++, sums += TileMatrix.TileRows)
        {
            float* output = part.Output + (long)(firstToken + token) * part.Weights.Rows + row;
            if (part.Adds)
                _ops.Add(output, sums, rows);
            else
                new ReadOnlySpan<float>(sums, rows).CopyTo(new Span<float>(output, rows));
        }
    }

    private void Count(int parts, int tokens)
    {
        if (Width == CpuWidth.Scalar)
            Counters.MatMulScalar++;
        else
            Counters.MatMulVector++;
        if (tokens > 1)
            Counters.MatMulBatched++;
        bool quantized = false, scaled = false, dots = false;
        for (int i = 0; i < parts; i++)
        {
            bool counts = WeightFormats.GroupLength(_parts[i].Weights.Format) > 1 && _parts[i].Weights.HalvesAreFinite;
            quantized |= counts;
            scaled |= counts && _parts[i].Weights.IsScaled;
            dots |= counts && !_parts[i].Weights.IsScaled;
        }

        if (scaled && Width != CpuWidth.Scalar)
            Counters.MatMulScaled++;
        if (quantized && _quantizedOps.TakesSquares(Math.Min(tokens, QuantizedInput.BlockTokens)))
            Counters.MatMulSquares++;
        if (dots && TakesDots)
            Counters.MatMulDots++;
        if (_chunks > 1)
            Counters.MatMulDivided++;
    }
}
