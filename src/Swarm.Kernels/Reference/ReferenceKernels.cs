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

    public override void LayerNorm(
        ReadOnlySpan<float> input, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, int tokens, Span<float> output)
    {
        Shapes.LayerNorm(input.Length, weight.Length, bias.Length, tokens, output.Length);
        int width = weight.Length;
        for (int token = 0; token < tokens; token++)
        {
            ReadOnlySpan<float> from = input.Slice(token * width, width);
            Span<float> to = output.Slice(token * width, width);
            double sum = 0;
            foreach (float value in from)
                sum += value;
            double mean = sum / width;
            double squares = 0;
            foreach (float value in from)
                squares += (value - mean) * (value - mean);
            double factor = 1 / Math.Sqrt(squares / width + epsilon);
            for (int i = 0; i < width; i++)
                to[i] = (float)((from[i] - mean) * factor * weight[i] + (bias.IsEmpty ? 0 : bias[i]));
        }
    }

    public override void LayerNormRow(ReadOnlySpan<float> input, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, Span<float> output) =>
        LayerNorm(input, weight, bias, epsilon, 1, output);

    public override void Gate(Activation activation, Span<float> gate, ReadOnlySpan<float> up)
    {
        Shapes.Length(up.Length, gate.Length, nameof(up));
        for (int i = 0; i < gate.Length; i++)
            gate[i] = (float)(Activated(activation, gate[i]) * up[i]);
    }

    public override void Activate(Activation activation, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)Activated(activation, values[i]);
    }

    public override void Scale(Span<float> values, float factor)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] *= factor;
    }

    public override void SoftCap(Span<float> values, float cap)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(cap * HostMath.Tanh(values[i] / (double)cap));
    }

    public override void Add(Span<float> target, ReadOnlySpan<float> addend)
    {
        Shapes.Length(addend.Length, target.Length, nameof(addend));
        for (int i = 0; i < target.Length; i++)
            target[i] += addend[i];
    }

    /// <summary>Keys [64, KeyValueHeads, HeadDimension], then values [64, KeyValueHeads, ValueDimension] in float32.</summary>
    public override int KvPageBytes(in AttentionShape shape)
    {
        Shapes.Attention(shape);
        return checked(shape.StoredWidth * PagePositions * sizeof(float));
    }

    public override void StoreKeyValues(
        in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int firstPosition, int tokens,
        ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        Shapes.Attention(shape);
        Shapes.Pages(pages.Length, firstPosition, tokens);
        (int keyWidth, int valueWidth) = (shape.KeyWidth, shape.ValueWidth);
        Shapes.Length(keys.Length, (long)tokens * keyWidth, nameof(keys));
        Shapes.Length(values.Length, (long)tokens * valueWidth, nameof(values));
        for (int token = 0; token < tokens; token++)
        {
            keys.Slice(token * keyWidth, keyWidth).CopyTo(new Span<float>(Key(shape, pages, pageOffset, firstPosition + token), keyWidth));
            values.Slice(token * valueWidth, valueWidth).CopyTo(new Span<float>(Value(shape, pages, pageOffset, firstPosition + token), valueWidth));
        }
    }

    public override void Attention(
        in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int firstPosition, int tokens,
        ReadOnlySpan<float> queries, Span<float> output)
    {
        Shapes.Attention(shape);
        Shapes.Pages(pages.Length, firstPosition, tokens);
        Shapes.Length(queries.Length, (long)tokens * shape.QueryWidth, nameof(queries));
        Shapes.Length(output.Length, (long)tokens * shape.OutputWidth, nameof(output));
        if (_scores.Length < firstPosition + tokens)
            _scores = new double[Math.Max(256, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(firstPosition + tokens)))];
        for (int token = 0; token < tokens; token++)
        {
            for (int head = 0; head < shape.Heads; head++)
            {
                int index = token * shape.Heads + head;
                Attend(
                    shape, pages, pageOffset, firstPosition + token, head, queries.Slice(index * shape.HeadDimension, shape.HeadDimension),
                    output.Slice(index * shape.ValueDimension, shape.ValueDimension));
            }
        }
    }

    protected override void Dispose(bool disposing) => _pool.Dispose();

    private static float* Key(in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int position) =>
        (float*)(pages[position / PagePositions] + (nint)pageOffset) + position % PagePositions * shape.KeyWidth;

    private static float* Value(in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int position) =>
        (float*)(pages[position / PagePositions] + (nint)pageOffset) + PagePositions * shape.KeyWidth + position % PagePositions * shape.ValueWidth;

    private static double Activated(Activation activation, double x) => activation switch
    {
        Activation.Silu => x / (1 + HostMath.Exp(-x)),
        Activation.Gelu => x * HostMath.NormalBelow(x),
        Activation.GeluTanh => 0.5 * x * (1 + HostMath.Tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))),
        Activation.GeluSigmoid => x / (1 + HostMath.Exp(-1.702 * x)),
        Activation.Relu => x < 0 ? 0 : x,
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "not an activation"),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Attend(
        in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int position, int head, ReadOnlySpan<float> query, Span<float> output)
    {
        int keyValueHead = head / (shape.Heads / shape.KeyValueHeads);
        int first = shape.FirstSeen(position);
        double largest = shape.Sinks?[head] ?? double.NegativeInfinity;
        for (int j = first; j <= position; j++)
        {
            float* key = Key(shape, pages, pageOffset, j) + keyValueHead * shape.HeadDimension;
            double dot = 0;
            for (int d = 0; d < query.Length; d++)
                dot += (double)query[d] * key[d];
            double score = dot * shape.Scale;
            if (shape.SoftCap != 0)
                score = shape.SoftCap * HostMath.Tanh(score / shape.SoftCap);
            if (shape.Slopes is { } slopes)
                score += (double)slopes[head] * (j - position);
            _scores[j] = score;
            largest = Math.Max(largest, score);
        }

        double sum = shape.Sinks is { } sinks ? HostMath.Exp(sinks[head] - largest) : 0;
        for (int j = first; j <= position; j++)
        {
            _scores[j] = HostMath.Exp(_scores[j] - largest);
            sum += _scores[j];
        }

        for (int d = 0; d < output.Length; d++)
        {
            double weighted = 0;
            for (int j = first; j <= position; j++)
            {
                weighted += _scores[j] * (shape.ValuesInKeys
                    ? Key(shape, pages, pageOffset, j)[(keyValueHead + 1) * shape.HeadDimension - shape.ValueDimension + d]
                    : Value(shape, pages, pageOffset, j)[keyValueHead * shape.ValueDimension + d]);
            }

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
