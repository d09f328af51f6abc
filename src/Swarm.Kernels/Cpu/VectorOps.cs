using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Swarm.Kernels.Cpu;

/// <summary>
/// canonical-1 on vectors of any width. Rows, positions or channels lie along a vector, each lane of which runs the scalar order on its
/// own; only plain sums over contiguous values put the 8 canonical lanes themselves into a vector. Loops are compiled with full optimization at
/// their first call: quick first code would run for the first seconds of a process, ten times slower.
/// </summary>
internal sealed unsafe partial class VectorOps<TW, TV> : CpuOps
    where TW : struct, IWidth<TV>
    where TV : struct
{
    private const int Rows = TileMatrix.TileRows;

    // How far ahead of its use a quantized tile's bytes are asked for. Measured: half and twice as far both cost a tenth.
    private const int PrefetchBytes = 2048;

    // Terms of a lane that all tokens of a block pass over while its weights, 16 KiB, stay in the first-level cache.
    private const int LaneTerms = 256;

    // Floats from one lane of a panel to the next: a line more than the terms take, lest all lanes fall on the same few places of the cache.
    private const int PanelLane = (LaneTerms + 1) * Rows;

    // Serves the matrix that has an infinite or NaN scale: a spoiled file, which need not be fast.
    private readonly ScalarOps _scalar = new();

    public VectorOps() => TakesDots = TW.HasDot;

    public override CpuWidth Width => TW.Width;

    public override int TransposeFrom => 4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TileFloat(TileMatrix weights, int tile, float* input, int tokens, float* sums, float* scratch)
    {
        new Span<float>(scratch, 8 * tokens * Rows).Clear();
        switch (weights.Format)
        {
            case WeightFormat.F32:
                TileFloats<Single>(weights.Tile(tile), weights.Columns, input, tokens, scratch);
                break;
            case WeightFormat.F16 when weights.HalvesAreFinite:
                TileFloats<FiniteHalf>(weights.Tile(tile), weights.Columns, input, tokens, scratch);
                break;
            case WeightFormat.F16:
                TileFloats<Half>(weights.Tile(tile), weights.Columns, input, tokens, scratch);
                break;
            default:
                TileFloats<Brain>(weights.Tile(tile), weights.Columns, input, tokens, scratch);
                break;
        }

        MeetLanes(scratch, tokens * Rows, sums);
    }

    public override void TileTransposed(TileMatrix weights, int tile, TransposedInput input, int firstStrip, int strips, float* sums, float* scratch)
    {
        switch (weights.Format)
        {
            case WeightFormat.F32:
                TileStrips<Single>(weights, tile, input, firstStrip, strips, sums, scratch);
                break;
            case WeightFormat.F16:
                TileStrips<Half>(weights, tile, input, firstStrip, strips, sums, scratch);
                break;
            default:
                TileStrips<Brain>(weights, tile, input, firstStrip, strips, sums, scratch);
                break;
        }
    }

    public override long FloatScratch(TileMatrix weights, int tokens) =>
        tokens >= TransposeFrom
            ? 8L * PanelLane + 8 * QuantizedInput.BlockTokens * Rows
            : 8L * tokens * Rows;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void RmsNorm(float* input, float* weight, float epsilon, float reciprocalWidth, int width, float* output)
    {
        Vector256<float> squares = Vector256<float>.Zero;
        int i = 0;
        for (; i + 8 <= width; i += 8)
        {
            Vector256<float> x = Vector256.Load(input + i);
            squares += x * x;
        }

        float* lanes = stackalloc float[8];
        squares.Store(lanes);
        for (; i < width; i++)
            lanes[i & 7] += input[i] * input[i];
        float mean = ScalarOps.Meet(lanes) * reciprocalWidth;
        float factor = KernelMath.ReciprocalSqrt(mean + epsilon);
        TV factors = TW.All(factor);
        for (i = 0; i + TW.Lanes <= width; i += TW.Lanes)
            TW.Store(output + i, TW.Mul(TW.Mul(TW.Load(input + i), factors), TW.Load(weight + i)));
        for (; i < width; i++)
            output[i] = input[i] * factor * weight[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Rotary(float* head, int heads, int headDimension, RotaryLayout layout, float* cosines, float* sines, int pairs)
    {
        if (layout == RotaryLayout.Interleaved || pairs % TW.Lanes != 0)
        {
            ScalarOps.Turn(head, heads, headDimension, layout, cosines, sines, pairs);
            return;
        }

        for (int h = 0; h < heads; h++, head += headDimension)
        {
            for (int pair = 0; pair < pairs; pair += TW.Lanes)
            {
                TV first = TW.Load(head + pair), second = TW.Load(head + pairs + pair);
                TV cosine = TW.Load(cosines + pair), sine = TW.Load(sines + pair);
                TW.Store(head + pair, TW.Sub(TW.Mul(first, cosine), TW.Mul(second, sine)));
                TW.Store(head + pairs + pair, TW.Add(TW.Mul(second, cosine), TW.Mul(first, sine)));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Add(float* target, float* addend, long length)
    {
        long i = 0;
        for (; i + TW.Lanes <= length; i += TW.Lanes)
            TW.Store(target + i, TW.Add(TW.Load(target + i), TW.Load(addend + i)));
        for (; i < length; i++)
            target[i] += addend[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ToHalf(float* from, ushort* to, int length)
    {
        int i = 0;
        for (; i + TW.Lanes <= length; i += TW.Lanes)
            TW.StoreShorts(to + i, VectorMath<TW, TV>.ToHalf(TW.Load(from + i)));
        for (; i < length; i++)
            to[i] = HalfBits.FromSingle(from[i]);
    }

    // Written out: a loop would cost more than what it asks for.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch256(byte* address, bool once = false)
    {
        Prefetch64(address, once);
        Prefetch64(address + 64, once);
        Prefetch64(address + 128, once);
        Prefetch64(address + 192, once);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch64(byte* address, bool once = false)
    {
        if (!Sse.IsSupported)
            return;
        if (once)
            Sse.PrefetchNonTemporal(address);
        else
            Sse.Prefetch0(address);
    }

    // sums[i] = the tree over lanes[0…7][i].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MeetLanes(float* lanes, int count, float* sums)
    {
        for (int i = 0; i < count; i += TW.Lanes)
        {
            float* lane = lanes + i;
            TV even = TW.Add(TW.Add(TW.Load(lane), TW.Load(lane + 4 * count)), TW.Add(TW.Load(lane + 2 * count), TW.Load(lane + 6 * count)));
            TV odd = TW.Add(TW.Add(TW.Load(lane + count), TW.Load(lane + 5 * count)), TW.Add(TW.Load(lane + 3 * count), TW.Load(lane + 7 * count)));
            TW.Store(sums + i, TW.Add(even, odd));
        }
    }

    // Once through the tile in the order of memory, which the processor's own prefetching follows best, with little to do between two loads: the lanes wait in
    // the first-level cache, [8][tokens][16 rows].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TileFloats<TStored>(byte* w, int columns, float* input, int tokens, float* lanes)
        where TStored : struct, IStored
    {
        nint step = Rows * TStored.Bytes, stride = tokens * Rows;
        int column = 0;
        if (tokens == 1)
        {
            for (; column + 8 <= columns; column += 8, w += 8 * step, input += 8)
            {
                Prefetch256(w + TStored.PrefetchBytes);
                if (8 * Rows * TStored.Bytes > 256)
                    Prefetch256(w + TStored.PrefetchBytes + 256);
                Column<TStored>(w, TW.All(input[0]), lanes);
                Column<TStored>(w + step, TW.All(input[1]), lanes + Rows);
                Column<TStored>(w + 2 * step, TW.All(input[2]), lanes + 2 * Rows);
                Column<TStored>(w + 3 * step, TW.All(input[3]), lanes + 3 * Rows);
                Column<TStored>(w + 4 * step, TW.All(input[4]), lanes + 4 * Rows);
                Column<TStored>(w + 5 * step, TW.All(input[5]), lanes + 5 * Rows);
                Column<TStored>(w + 6 * step, TW.All(input[6]), lanes + 6 * Rows);
                Column<TStored>(w + 7 * step, TW.All(input[7]), lanes + 7 * Rows);
            }

            input -= column;
        }

        for (; column < columns; column++, w += step)
        {
            Prefetch64(w + TStored.PrefetchBytes);
            float* lane = lanes + (column & 7) * stride;
            for (int token = 0; token < tokens; token++, lane += Rows)
                Column<TStored>(w, TW.All(input[(nint)token * columns + column]), lane);
        }
    }

    // lane[16 rows] += one column · x.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column<TStored>(byte* w, TV x, float* lane)
        where TStored : struct, IStored
    {
        Column<TStored>(w, x, lane, 0);
        if (TW.Lanes <= 8)
            Column<TStored>(w, x, lane, TW.Lanes);
        if (TW.Lanes <= 4)
        {
            Column<TStored>(w, x, lane, 2 * TW.Lanes);
            Column<TStored>(w, x, lane, 3 * TW.Lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column<TStored>(byte* w, TV x, float* lane, int row)
        where TStored : struct, IStored => TW.Store(lane + row, TW.Add(TW.Load(lane + row), TW.Mul(TStored.Load(w + row * TStored.Bytes), x)));

    // Lane by lane: its weights, as float32, stay in the first-level cache while all strips pass over them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TileStrips<TStored>(TileMatrix weights, int tile, TransposedInput input, int firstStrip, int strips, float* sums, float* scratch)
        where TStored : struct, IStored
    {
        const int StripSums = TransposedInput.StripTokens * Rows;
        float* panel = scratch;
        float* lanes = scratch + 8 * PanelLane;
        new Span<float>(lanes, 8 * strips * StripSums).Clear();
        for (int first = 0; first < input.LaneLength; first += LaneTerms)
        {
            int columns = Math.Min(8 * LaneTerms, weights.Columns - 8 * first);
            FillPanel<TStored>(weights.Tile(tile) + first * 8L * Rows * TStored.Bytes, columns, panel);
            for (int lane = 0; lane < 8; lane++)
            {
                // A lane that ends early ends for all tokens: there is nothing to pad.
                int terms = (columns - lane + 7) / 8;
                for (int strip = 0; strip < strips; strip++)
                {
                    float* x = input.Strip(firstStrip + strip) + ((long)lane * input.LaneLength + first) * TransposedInput.StripTokens;
                    PanelStrip(panel + lane * PanelLane, x, terms, lanes + (strip * 8 + lane) * StripSums);
                }
            }
        }

        for (int strip = 0; strip < strips; strip++)
            MeetLanes(lanes + strip * 8 * StripSums, StripSums, sums + strip * StripSums);
    }

    // Columns as float32, lane by lane, each [terms][16 rows].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillPanel<TStored>(byte* column, int columns, float* panel)
        where TStored : struct, IStored
    {
        for (int i = 0; i < columns; i++, column += Rows * TStored.Bytes)
        {
            float* to = panel + (i & 7) * PanelLane + (i >> 3) * Rows;
            for (int row = 0; row < Rows; row += TW.Lanes)
                TW.Store(to + row, TStored.Load(column + row * TStored.Bytes));
        }
    }

    // lane[8 tokens][16 rows] of one strip += terms of one lane, accumulators in registers: four tokens and two row vectors, which share every load, or, where a
    // vector holds all rows, eight tokens.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PanelStrip(float* panel, float* strip, int terms, float* lane)
    {
        if (2 * TW.Lanes > Rows)
        {
            PanelTokens(panel, strip, terms, lane);
            return;
        }

        for (int token = 0; token < TransposedInput.StripTokens; token += 4)
        {
            for (int row = 0; row < Rows; row += 2 * TW.Lanes)
                PanelSquare(panel + row, strip + token, terms, lane + token * Rows + row);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PanelSquare(float* w, float* x, int terms, float* lane)
    {
        float* other = lane + TW.Lanes;
        TV a0 = TW.Load(lane), a1 = TW.Load(lane + Rows), a2 = TW.Load(lane + 2 * Rows), a3 = TW.Load(lane + 3 * Rows);
        TV b0 = TW.Load(other), b1 = TW.Load(other + Rows), b2 = TW.Load(other + 2 * Rows), b3 = TW.Load(other + 3 * Rows);
        for (; terms > 0; terms--, w += Rows, x += TransposedInput.StripTokens)
        {
            TV a = TW.Load(w), b = TW.Load(w + TW.Lanes);
            TV value = TW.All(x[0]);
            a0 = TW.Add(a0, TW.Mul(a, value));
            b0 = TW.Add(b0, TW.Mul(b, value));
            value = TW.All(x[1]);
            a1 = TW.Add(a1, TW.Mul(a, value));
            b1 = TW.Add(b1, TW.Mul(b, value));
            value = TW.All(x[2]);
            a2 = TW.Add(a2, TW.Mul(a, value));
            b2 = TW.Add(b2, TW.Mul(b, value));
            value = TW.All(x[3]);
            a3 = TW.Add(a3, TW.Mul(a, value));
            b3 = TW.Add(b3, TW.Mul(b, value));
        }

        TW.Store(lane, a0);
        TW.Store(lane + Rows, a1);
        TW.Store(lane + 2 * Rows, a2);
        TW.Store(lane + 3 * Rows, a3);
        TW.Store(other, b0);
        TW.Store(other + Rows, b1);
        TW.Store(other + 2 * Rows, b2);
        TW.Store(other + 3 * Rows, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PanelTokens(float* w, float* x, int terms, float* lane)
    {
        TV a0 = TW.Load(lane), a1 = TW.Load(lane + Rows), a2 = TW.Load(lane + 2 * Rows), a3 = TW.Load(lane + 3 * Rows);
        TV a4 = TW.Load(lane + 4 * Rows), a5 = TW.Load(lane + 5 * Rows), a6 = TW.Load(lane + 6 * Rows), a7 = TW.Load(lane + 7 * Rows);
        for (; terms > 0; terms--, w += Rows, x += TransposedInput.StripTokens)
        {
            TV weight = TW.Load(w);
            a0 = TW.Add(a0, TW.Mul(weight, TW.All(x[0])));
            a1 = TW.Add(a1, TW.Mul(weight, TW.All(x[1])));
            a2 = TW.Add(a2, TW.Mul(weight, TW.All(x[2])));
            a3 = TW.Add(a3, TW.Mul(weight, TW.All(x[3])));
            a4 = TW.Add(a4, TW.Mul(weight, TW.All(x[4])));
            a5 = TW.Add(a5, TW.Mul(weight, TW.All(x[5])));
            a6 = TW.Add(a6, TW.Mul(weight, TW.All(x[6])));
            a7 = TW.Add(a7, TW.Mul(weight, TW.All(x[7])));
        }

        TW.Store(lane, a0);
        TW.Store(lane + Rows, a1);
        TW.Store(lane + 2 * Rows, a2);
        TW.Store(lane + 3 * Rows, a3);
        TW.Store(lane + 4 * Rows, a4);
        TW.Store(lane + 5 * Rows, a5);
        TW.Store(lane + 6 * Rows, a6);
        TW.Store(lane + 7 * Rows, a7);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override float QuantizeGroup(float* input, sbyte* quanta, out int halfSums)
    {
        TV largest = TW.AllInt(0);
        for (int i = 0; i < 32; i += TW.Lanes)
            largest = TW.MaxInt(largest, TW.And(TW.Load(input + i), TW.AllInt(0x7FFFFFFF)));
        int bits = TW.MaxAcross(largest);
        float amax = BitConverter.Int32BitsToSingle(bits);
        if (bits >= 0x7F800000 || amax < ScalarOps.SmallestMaximum)
            return _scalar.QuantizeGroup(input, quanta, out halfSums);

        // The reciprocal errs by two units in the last place at most, so that |x| · inverse rounds to 127 at most: the clamp never acts.
        TV inverse = TW.All(127f * KernelMath.Reciprocal(amax));
        TV total = TW.AllInt(0);
        for (int i = 0; i < 32; i += TW.Lanes)
        {
            TV rounded = TW.Add(TW.Mul(TW.Load(input + i), inverse), TW.All(KernelMath.RoundingMagic));
            rounded = TW.SubInt(rounded, TW.AllInt(KernelMath.RoundingMagicBits));
            total = TW.AddInt(total, i < 16 ? rounded : TW.ShiftLeft(rounded, 16));
            TW.StoreBytes(quanta + i, rounded);
        }

        // The sum of the first 16 below, of the others above; a negative one below has taken 1 from above.
        int both = TW.SumAcross(total), first = (short)both;
        halfSums = (ushort)first | (both - first);
        return amax * ScalarOps.OneOver127;
    }

    /// <summary>How a float format's weights lie in a tile.</summary>
    private interface IStored
    {
        static abstract int Bytes { get; }

        /// <summary>How far ahead of its use a byte is asked for: the shorter, the less there is to compute of it.</summary>
        static abstract int PrefetchBytes { get; }

        static abstract TV Load(byte* from);
    }

    private readonly struct Single : IStored
    {
        public static int Bytes => 4;

        public static int PrefetchBytes => 768;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Load(byte* from) => TW.Load(from);
    }

    private readonly struct Half : IStored
    {
        public static int Bytes => 2;

        public static int PrefetchBytes => 2304;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Load(byte* from) => VectorMath<TW, TV>.FromHalf(TW.LoadShorts(from));
    }

    /// <summary>F16 without infinities and NaN, as models have it.</summary>
    private readonly struct FiniteHalf : IStored
    {
        public static int Bytes => 2;

        public static int PrefetchBytes => 2304;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Load(byte* from) => VectorMath<TW, TV>.FromFiniteHalf(TW.LoadShorts(from));
    }

    private readonly struct Brain : IStored
    {
        public static int Bytes => 2;

        public static int PrefetchBytes => 2304;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Load(byte* from) => TW.ShiftLeft(TW.LoadShorts(from), 16);
    }
}
