using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>canonical-1 one value at a time, in the words of docs/canonical-1.md: what the vector forms must equal bit for bit.</summary>
internal sealed unsafe partial class ScalarOps : CpuOps
{
    public override CpuWidth Width => CpuWidth.Scalar;

    /// <summary>The tree in which eight lanes meet.</summary>
    public static float Meet(float* lanes) =>
        ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));

    public override float QuantizeGroup(float* input, sbyte* quanta, out int halfSums)
    {
        halfSums = 0;
        uint largest = 0;
        for (int i = 0; i < 32; i++)
            largest = Math.Max(largest, BitConverter.SingleToUInt32Bits(input[i]) & 0x7FFFFFFF);
        float amax = BitConverter.UInt32BitsToSingle(largest);
        if (largest >= 0x7F800000 || amax < SmallestMaximum)
        {
            new Span<sbyte>(quanta, 32).Clear();
            return largest >= 0x7F800000 ? float.NaN : 0f;
        }

        float inverse = 127f * KernelMath.Reciprocal(amax);
        int first = 0, second = 0;
        for (int i = 0; i < 32; i++)
        {
            int rounded = Math.Clamp(KernelMath.RoundToInt(input[i] * inverse), -127, 127);
            quanta[i] = (sbyte)rounded;
            if (i < 16)
                first += rounded;
            else
                second += rounded;
        }

        halfSums = (ushort)first | second << 16;
        return amax * OneOver127;
    }

    public const float OneOver127 = 0.007874016f;

    /// <summary>2^-100: a group below it counts as zero.</summary>
    public const float SmallestMaximum = 7.888609e-31f;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TileQuantized(TileMatrix weights, int tile, QuantizedInput input, int block, float* sums, float* scratch)
    {
        int tokens = input.BlockLength(block);
        sbyte* values = input.Values(block);
        float* scales = input.Scales(block);
        int* halfSums = input.HalfSums(block);
        float* lanes = stackalloc float[8 * QuantizedInput.BlockTokens];
        int* integers = stackalloc int[32];
        WeightFormat format = weights.Format;
        for (int row = 0; row < TileMatrix.TileRows; row++)
        {
            new Span<float>(lanes, 8 * tokens).Clear();
            for (int g = 0; g < weights.Groups; g++)
            {
                byte* head = weights.Tile(tile) + weights.Layout.HeadOffset(g), body = weights.Tile(tile) + weights.Layout.BodyOffset(g);
                for (int k = 0; k < 32; k++)
                    integers[k] = TileGroups.Integer(format, weights.Layout, body, row, k);
                for (int token = 0; token < tokens; token++)
                {
                    int index = g * tokens + token;
                    lanes[token * 8 + (g & 7)] += GroupTerm(format, integers, head, body, row, values + (long)index * 32, scales[index], halfSums[index]);
                }
            }

            for (int token = 0; token < tokens; token++)
                sums[token * TileMatrix.TileRows + row] = Meet(lanes + token * 8);
        }
    }

    // The integer sum of products is exact, its order free; so is that of minimums and sums of x.
    private static float GroupTerm(WeightFormat format, int* integers, byte* head, byte* body, int row, sbyte* x, float scale, int halfSums)
    {
        int first = (short)halfSums, second = halfSums >> 16, sum = 0;
        for (int half = 0; half < 2; half++, integers += 16, x += 16)
        {
            int products = 0;
            for (int k = 0; k < 16; k++)
                products += integers[k] * x[k];
            sum += TileGroups.IntegerScale(format, body, row, half) * products;
        }

        float term = sum * (TileGroups.Scale(format, head, row) * scale);
        if (StoredGroup.HasIntegerMinimums(format))
        {
            int least = TileGroups.IntegerMinimum(format, body, row, 0) * first + TileGroups.IntegerMinimum(format, body, row, 1) * second;
            return term - least * (TileGroups.Minimum(head, row) * scale);
        }

        return StoredGroup.HasMinimum(format) ? term + TileGroups.Minimum(head, row) * ((first + second) * scale) : term;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TileFloat(TileMatrix weights, int tile, float* input, int tokens, float* sums, float* scratch)
    {
        WeightFormat format = weights.Format;
        int columns = weights.Columns;
        float* lanes = stackalloc float[8];
        for (int token = 0; token < tokens; token++)
        {
            for (int row = 0; row < TileMatrix.TileRows; row++)
            {
                new Span<float>(lanes, 8).Clear();
                byte* column = weights.Tile(tile);
                for (int i = 0; i < columns; i++, column += weights.GroupBytes)
                    lanes[i & 7] += TileMatrix.Value(format, column, row) * input[(long)token * columns + i];
                sums[token * TileMatrix.TileRows + row] = Meet(lanes);
            }
        }
    }

    public override void RmsNorm(float* input, float* weight, float epsilon, float reciprocalWidth, int width, float* output)
    {
        float* lanes = stackalloc float[8];
        new Span<float>(lanes, 8).Clear();
        for (int i = 0; i < width; i++)
            lanes[i & 7] += input[i] * input[i];
        float mean = Meet(lanes) * reciprocalWidth;
        float factor = KernelMath.ReciprocalSqrt(mean + epsilon);
        for (int i = 0; i < width; i++)
            output[i] = input[i] * factor * weight[i];
    }

    public override void Rotary(float* head, int heads, int headDimension, RotaryLayout layout, float* cosines, float* sines, int pairs) =>
        Turn(head, heads, headDimension, layout, cosines, sines, pairs);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn(float* head, int heads, int headDimension, RotaryLayout layout, float* cosines, float* sines, int pairs)
    {
        (int step, int distance) = layout == RotaryLayout.Interleaved ? (2, 1) : (1, pairs);
        for (int h = 0; h < heads; h++, head += headDimension)
        {
            for (int pair = 0; pair < pairs; pair++)
            {
                float first = head[pair * step];
                float second = head[pair * step + distance];
                head[pair * step] = first * cosines[pair] - second * sines[pair];
                head[pair * step + distance] = second * cosines[pair] + first * sines[pair];
            }
        }
    }

    public override void LayerNorm(float* input, float* weight, float* bias, float epsilon, float reciprocalWidth, int width, float* output)
    {
        float* lanes = stackalloc float[8];
        new Span<float>(lanes, 8).Clear();
        for (int i = 0; i < width; i++)
            lanes[i & 7] += input[i];
        float mean = Meet(lanes) * reciprocalWidth;
        new Span<float>(lanes, 8).Clear();
        for (int i = 0; i < width; i++)
        {
            float difference = input[i] - mean;
            lanes[i & 7] += difference * difference;
        }

        float factor = KernelMath.ReciprocalSqrt(Meet(lanes) * reciprocalWidth + epsilon);
        for (int i = 0; i < width; i++)
        {
            float scaled = (input[i] - mean) * factor * weight[i];
            output[i] = bias == null ? scaled : scaled + bias[i];
        }
    }

    public override void Gate(Activation activation, float* gate, float* up, long length)
    {
        for (long i = 0; i < length; i++)
        {
            float activated = KernelMath.Activate(activation, gate[i]);
            gate[i] = up == null ? activated : activated * up[i];
        }
    }

    public override void SoftCap(float* values, float cap, float reciprocal, long length)
    {
        for (long i = 0; i < length; i++)
            values[i] = cap * KernelMath.Tanh(values[i] * reciprocal);
    }

    public override void Add(float* target, float* addend, long length)
    {
        for (long i = 0; i < length; i++)
            target[i] += addend[i];
    }

    public override void ToHalf(float* from, ushort* to, int length)
    {
        for (int i = 0; i < length; i++)
            to[i] = HalfBits.FromSingle(from[i]);
    }

    public override long PageScratch(int keySize, int valueSize, int queries) => KernelSet.PagePositions * sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int AttendPage(in PageQueries page, byte* scratch)
    {
        int size = page.KeySize, valueSize = page.ValueSize;
        float* scores = (float*)scratch;
        float* lanes = stackalloc float[8];
        for (int index = 0; index < page.Tokens * page.Heads; index++)
        {
            (int token, int head) = Math.DivRem(index, page.Heads);
            int first = page.HiddenTo(token), count = page.SeenBy(token);
            float* query = page.Queries + (long)index * size;
            float* weighted = page.Weighted + (long)index * valueSize;
            float maximum = float.NegativeInfinity;
            for (int j = first; j < count; j++)
            {
                new Span<float>(lanes, 8).Clear();
                for (int d = 0; d < size; d++)
                    lanes[d & 7] += query[d] * HalfBits.ToSingle(page.Keys[d * 64 + j]);
                scores[j] = Meet(lanes) * page.Scale;
                if (page.SoftCap != 0)
                    scores[j] = KernelMath.Tanh(scores[j] * page.InverseCap) * page.SoftCap;
                if (page.Slopes != null)
                    scores[j] = scores[j] + page.Slopes[head] * (page.Distance(token) + j);
                maximum = scores[j] > maximum ? scores[j] : maximum;
            }

            new Span<float>(lanes, 8).Clear();
            for (int j = first; j < count; j++)
            {
                scores[j] = KernelMath.Exp(scores[j] - maximum);
                lanes[j & 7] += scores[j];
            }

            page.Maxima[index] = maximum;
            page.Sums[index] = Meet(lanes);
            for (int d = 0; d < valueSize; d++)
            {
                new Span<float>(lanes, 8).Clear();
                for (int j = first; j < count; j++)
                    lanes[j & 7] += scores[j] * HalfBits.ToSingle(page.Values[j * valueSize + d]);
                weighted[d] = Meet(lanes);
            }
        }

        return 0;
    }

    public override void Blend(float* output, float keep, float* weighted, float take, int length)
    {
        for (int d = 0; d < length; d++)
            output[d] = output[d] * keep + weighted[d] * take;
    }

    public override void Multiply(float* values, float factor, long length)
    {
        for (long d = 0; d < length; d++)
            values[d] *= factor;
    }
}
