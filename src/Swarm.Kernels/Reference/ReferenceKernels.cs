using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Reference;

/// <summary>
/// The oracle: every operation in plain scalar code on dequantized float32 weights, sums and elementary functions in double, results
/// rounded to float32; float32 KV cache; activations are never quantized. Compared with other libraries by tolerance.
/// </summary>
public sealed unsafe partial class ReferenceKernels : KernelSet
{
    private readonly WorkerPool _pool;
    private readonly Action<int, int> _matMulPart;
    private double[] _scores = [];
    private ReferenceMatrix? _weights;
    private float* _input;
    private float* _bias;
    private float* _output;
    private int _tokens;
    private int _chunks;

    /// <param name="threads">Threads that divide the rows of <see cref="MatMul"/>.</param>
    public ReferenceKernels(int threads = 1)
    {
        _pool = new WorkerPool(threads);
        _matMulPart = (_, chunk) => MatMulPart(chunk);
    }

    public override string NumericsClass => "reference";

    public override int Threads => _pool.Threads;

    public override WeightMatrix Pack(WeightFormat format, int rows, int columns, RowReader source) => new ReferenceMatrix(format, rows, columns, source);

    public override void MatMul(WeightMatrix weights, ReadOnlySpan<float> input, int tokens, ReadOnlySpan<float> bias, Span<float> output)
    {
        if (weights is not ReferenceMatrix matrix)
            throw new ArgumentException($"{weights.GetType().Name} was packed by another kernel set", nameof(weights));
        Shapes.MatMul(weights, input.Length, tokens, bias.Length, output.Length);
        matrix.CheckAlive();
        if (tokens == 0)
            return;
        fixed (float* inputPointer = input, biasPointer = bias, outputPointer = output)
        {
            (_weights, _tokens) = (matrix, tokens);
            _input = inputPointer;
            _bias = biasPointer;
            _output = outputPointer;
            _chunks = Math.Min(matrix.Rows, Threads * 8);
            _pool.Run(_chunks, wake: true, _matMulPart);
            _weights = null;
        }

        GC.KeepAlive(weights);
    }

    public override void RmsNorm(ReadOnlySpan<float> input, ReadOnlySpan<float> weight, float epsilon, int tokens, Span<float> output)
    {
        Shapes.RmsNorm(input.Length, weight.Length, tokens, output.Length);
        int width = weight.Length;
        for (int token = 0; token < tokens; token++)
        {
            ReadOnlySpan<float> from = input.Slice(token * width, width);
            Span<float> to = output.Slice(token * width, width);
            double sum = 0;
            foreach (float value in from)
                sum += (double)value * value;
            double factor = 1 / Math.Sqrt(sum / width + epsilon);
            for (int i = 0; i < width; i++)
                to[i] = (float)(from[i] * factor * weight[i]);
        }
    }

    public override void Rotary(Span<float> values, int tokens, int heads, int headDimension, RotaryTable table, int firstPosition)
    {
        Shapes.Rotary(values.Length, tokens, heads, headDimension, table, firstPosition);
        table.Extend(firstPosition + tokens);
        (int step, int distance) = table.Layout == RotaryLayout.Interleaved ? (2, 1) : (1, table.Pairs);
        for (int token = 0; token < tokens; token++)
        {
            ReadOnlySpan<float> cosines = table.Cosines(firstPosition + token);
            ReadOnlySpan<float> sines = table.Sines(firstPosition + token);
            for (int head = 0; head < heads; head++)
            {
                Span<float> turned = values.Slice((token * heads + head) * headDimension, headDimension);
                for (int pair = 0; pair < cosines.Length; pair++)
                {
                    double first = turned[pair * step];
                    double second = turned[pair * step + distance];
                    turned[pair * step] = (float)(first * cosines[pair] - second * sines[pair]);
                    turned[pair * step + distance] = (float)(second * cosines[pair] + first * sines[pair]);
                }
            }
        }

        GC.KeepAlive(table);
    }

    public override void SwiGlu(Span<float> gate, ReadOnlySpan<float> up)
    {
        Shapes.Length(up.Length, gate.Length, nameof(up));
        for (int i = 0; i < gate.Length; i++)
            gate[i] = (float)(gate[i] / (1 + HostMath.Exp(-gate[i])) * up[i]);
    }

    public override void Add(Span<float> target, ReadOnlySpan<float> addend)
    {
        Shapes.Length(addend.Length, target.Length, nameof(addend));
        for (int i = 0; i < target.Length; i++)
            target[i] += addend[i];
    }

    /// <summary>Keys, then values, each [64, KeyValueHeads, HeadDimension] in float32.</summary>
    public override int KvPageBytes(in AttentionShape shape)
    {
        Shapes.Attention(shape);
        return checked(shape.KeyValueHeads * shape.HeadDimension * PagePositions * 2 * sizeof(float));
    }

    public override void StoreKeyValues(
        in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int firstPosition, int tokens,
        ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        Shapes.Attention(shape);
        Shapes.Pages(pages.Length, firstPosition, tokens);
        int width = shape.KeyValueHeads * shape.HeadDimension;
        Shapes.Length(keys.Length, (long)tokens * width, nameof(keys));
        Shapes.Length(values.Length, (long)tokens * width, nameof(values));
        for (int token = 0; token < tokens; token++)
        {
            keys.Slice(token * width, width).CopyTo(new Span<float>(Stored(pages, pageOffset, firstPosition + token, width), width));
            values.Slice(token * width, width).CopyTo(new Span<float>(Stored(pages, pageOffset, firstPosition + token, width) + width * PagePositions, width));
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
        if (_scores.Length < firstPosition + tokens)
            _scores = new double[Math.Max(256, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(firstPosition + tokens)))];
        int size = shape.HeadDimension;
        for (int token = 0; token < tokens; token++)
        {
            for (int head = 0; head < shape.Heads; head++)
            {
                int offset = (token * shape.Heads + head) * size;
                Attend(shape, pages, pageOffset, firstPosition + token, head / (shape.Heads / shape.KeyValueHeads), queries.Slice(offset, size), output.Slice(offset, size));
            }
        }
    }

    protected override void Dispose(bool disposing) => _pool.Dispose();

    private static float* Stored(ReadOnlySpan<nint> pages, long pageOffset, int position, int width) =>
        (float*)(pages[position / PagePositions] + (nint)pageOffset) + position % PagePositions * width;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Attend(
        in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int position, int keyValueHead, ReadOnlySpan<float> query, Span<float> output)
    {
        int size = shape.HeadDimension;
        int width = shape.KeyValueHeads * size;
        double largest = double.NegativeInfinity;
        for (int j = 0; j <= position; j++)
        {
            float* key = Stored(pages, pageOffset, j, width) + keyValueHead * size;
            double dot = 0;
            for (int d = 0; d < size; d++)
                dot += (double)query[d] * key[d];
            _scores[j] = dot * shape.Scale;
            largest = Math.Max(largest, _scores[j]);
        }

        double sum = 0;
        for (int j = 0; j <= position; j++)
        {
            _scores[j] = HostMath.Exp(_scores[j] - largest);
            sum += _scores[j];
        }

        for (int d = 0; d < size; d++)
        {
            double weighted = 0;
            for (int j = 0; j <= position; j++)
                weighted += _scores[j] * Stored(pages, pageOffset, j, width)[width * PagePositions + keyValueHead * size + d];
            output[d] = (float)(weighted / sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MatMulPart(int chunk)
    {
        ReferenceMatrix weights = _weights!;
        int columns = weights.Columns;
        int rows = weights.Rows;
        int last = (int)((long)rows * (chunk + 1) / _chunks);
        for (int row = (int)((long)rows * chunk / _chunks); row < last; row++)
        {
            float* weight = weights.Row(row);
            for (int token = 0; token < _tokens; token++)
            {
                float* input = _input + (long)token * columns;
                double sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
                int column = 0;
                for (; column + 4 <= columns; column += 4)
                {
                    sum0 += (double)weight[column] * input[column];
                    sum1 += (double)weight[column + 1] * input[column + 1];
                    sum2 += (double)weight[column + 2] * input[column + 2];
                    sum3 += (double)weight[column + 3] * input[column + 3];
                }

                for (; column < columns; column++)
                    sum0 += (double)weight[column] * input[column];
                double sum = (sum0 + sum1) + (sum2 + sum3);
                _output[(long)token * rows + row] = (float)(_bias == null ? sum : sum + _bias[row]);
            }
        }
    }
}
