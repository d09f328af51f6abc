using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>
/// Products with quantized weights. A token's pass over a tile adds one term a group to one of eight lanes in memory, [8][tokens][16 rows]; the integer part of
/// the term is exact, so that its order is free. Where a vector holds all rows (512 bits), a group's weights stay in registers while all tokens pass. Narrower ones
/// are short of registers: there one token goes with two row vectors, which share its values, and from four tokens on a square of four tokens and two row
/// vectors shares every load.
/// </summary>
internal sealed unsafe partial class VectorOps<TW, TV>
{
    /// <summary>Tokens of a square.</summary>
    private const int SquareTokens = 4;

    /// <summary>Not at 512 bits: one vector holds all rows of a tile, there is no second one to share a token's values with.</summary>
    public override bool TakesSquares(int tokens) => 2 * TW.Lanes <= Rows && tokens >= SquareTokens;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TileQuantized(TileMatrix weights, int tile, QuantizedInput input, int block, float* sums, float* scratch)
    {
        if (!weights.HalvesAreFinite)
        {
            _scalar.TileQuantized(weights, tile, input, block, sums, scratch);
            return;
        }

        int tokens = input.BlockLength(block);
        for (nint i = 0; i < 8 * tokens * Rows; i += TW.Lanes)
            TW.Store(scratch + i, TW.AllInt(0));
        byte* groups = weights.Tile(tile);
        TokenGroup x = new(input, block);
        switch (weights.Format)
        {
            case WeightFormat.Q8_0 when TakesDots:
                TileGroups<DotsQ8>(groups, weights.Groups, x, tokens, scratch);
                break;
            case WeightFormat.Q8_0:
                TileGroups<GroupsQ8>(groups, weights.Groups, x, tokens, scratch);
                break;
            case WeightFormat.Q4_0 when TakesDots:
                TileGroups<DotsUnsigned<GroupsQ4>>(groups, weights.Groups, x, tokens, scratch);
                break;
            case WeightFormat.Q4_0:
                TileGroups<GroupsQ4>(groups, weights.Groups, x, tokens, scratch);
                break;
            case WeightFormat.Q4_1 when TakesDots:
                TileGroups<DotsUnsigned<GroupsQ41>>(groups, weights.Groups, x, tokens, scratch);
                break;
            case WeightFormat.Q4_1:
                TileGroups<GroupsQ41>(groups, weights.Groups, x, tokens, scratch);
                break;
            default:
                TileScaled(weights, tile, x, tokens, scratch);
                break;
        }

        MeetLanes(scratch, tokens * Rows, sums);
    }

    private static void TileGroups<TGroups>(byte* tile, int groups, TokenGroup input, int tokens, float* lanes)
        where TGroups : struct, IGroups
    {
        if (2 * TW.Lanes > Rows)
            TileRowVectors<TGroups>(tile, groups, input, tokens, lanes);
        else if (tokens == 1)
            TileToken<TGroups>(tile, groups, input, lanes);
        else
            TileSquares<TGroups>(tile, groups, input, tokens, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TileToken<TGroups>(byte* group, int groups, TokenGroup input, float* lanes)
        where TGroups : struct, IGroups
    {
        for (int g = 0; g < groups; g++, group += TGroups.Bytes)
        {
            PrefetchGroup<TGroups>(group, once: true);
            float* lane = lanes + (g & 7) * Rows;
            for (nint row = 0; row < Rows; row += 2 * TW.Lanes)
            {
                RowPair<TGroups>(group, packed: true, row, (int*)input.Values, out TV a, out TV b);
                AddTerm<TGroups>(a, Halves(group + row * 2), TGroups.HasMinimum ? Halves(group + 32 + row * 2) : a, input, 0, lane + row);
                nint other = row + TW.Lanes;
                AddTerm<TGroups>(b, Halves(group + other * 2), TGroups.HasMinimum ? Halves(group + 32 + other * 2) : b, input, 0, lane + other);
            }

            input.Next(1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TileRowVectors<TGroups>(byte* group, int groups, TokenGroup input, int tokens, float* lanes)
        where TGroups : struct, IGroups
    {
        for (int g = 0; g < groups; g++, group += TGroups.Bytes)
        {
            PrefetchGroup<TGroups>(group, once: false);
            for (nint row = 0; row < Rows; row += TW.Lanes)
            {
                TV w0 = TGroups.Weights(group, row, 0), w1 = TGroups.Weights(group, row, 1), w2 = TGroups.Weights(group, row, 2), w3 = TGroups.Weights(group, row, 3);
                TV w4 = TGroups.Weights(group, row, 4), w5 = TGroups.Weights(group, row, 5), w6 = TGroups.Weights(group, row, 6), w7 = TGroups.Weights(group, row, 7);
                TV scale = Halves(group + row * 2), minimum = TGroups.HasMinimum ? Halves(group + 32 + row * 2) : scale;
                float* lane = lanes + (nint)((g & 7) * tokens * Rows) + row;
                int* x = (int*)input.Values;
                for (nint token = 0; token < tokens; token++, lane += Rows, x += 8)
                {
                    TV sum = Sum<TGroups>(w0, w1, w2, w3, w4, w5, w6, w7, x);
                    AddTerm<TGroups>(sum, scale, minimum, input, token, lane);
                }
            }

            input.Next(tokens);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TileSquares<TGroups>(byte* group, int groups, TokenGroup input, int tokens, float* lanes)
        where TGroups : struct, IGroups
    {
        byte* panel = stackalloc byte[512];
        float* scales = stackalloc float[2 * Rows];
        for (int g = 0; g < groups; g++, group += TGroups.Bytes)
        {
            PrefetchGroup<TGroups>(group, once: false);
            byte* weights = TGroups.Unpack(group, panel);
            for (nint row = 0; row < Rows; row += TW.Lanes)
            {
                TW.Store(scales + row, Halves(group + row * 2));
                if (TGroups.HasMinimum)
                    TW.Store(scales + Rows + row, Halves(group + 32 + row * 2));
            }

            float* lane = lanes + (nint)((g & 7) * tokens * Rows);
            int* x = (int*)input.Values;
            nint token = 0;
            for (; token + SquareTokens <= tokens; token += SquareTokens, lane += SquareTokens * Rows, x += SquareTokens * 8)
            {
                for (nint row = 0; row < Rows; row += 2 * TW.Lanes)
                    Square<TGroups>(weights + row * 4, scales + row, input, token, x, lane + row);
            }

            for (; token < tokens; token++, lane += Rows, x += 8)
            {
                for (nint row = 0; row < Rows; row += 2 * TW.Lanes)
                {
                    RowPair<TGroups>(weights, packed: false, row, x, out TV a, out TV b);
                    AddTerms<TGroups>(a, b, scales + row, input, token, lane + row);
                }
            }

            input.Next(tokens);
        }
    }

    // One group's terms of four tokens and two row vectors: eight sums, two weights and a token's values fit sixteen registers.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Square<TGroups>(byte* weights, float* scales, in TokenGroup input, nint token, int* x, float* lane)
        where TGroups : struct, IGroups
    {
        TV w = TW.Load(weights), v = TW.Load(weights + TW.Lanes * 4);
        TV wm = TGroups.Magnitude(w), vm = TGroups.Magnitude(v);
        TV values = TW.AllInt(x[0]);
        TV a0 = TGroups.First(w, wm, values), b0 = TGroups.First(v, vm, values);
        values = TW.AllInt(x[8]);
        TV a1 = TGroups.First(w, wm, values), b1 = TGroups.First(v, vm, values);
        values = TW.AllInt(x[16]);
        TV a2 = TGroups.First(w, wm, values), b2 = TGroups.First(v, vm, values);
        values = TW.AllInt(x[24]);
        TV a3 = TGroups.First(w, wm, values), b3 = TGroups.First(v, vm, values);
        SquareStep<TGroups>(weights + 64, x + 1, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
        SquareStep<TGroups>(weights + 128, x + 2, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
        SquareStep<TGroups>(weights + 192, x + 3, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
        SquareStep<TGroups>(weights + 256, x + 4, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
        SquareStep<TGroups>(weights + 320, x + 5, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
        SquareStep<TGroups>(weights + 384, x + 6, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
        SquareStep<TGroups>(weights + 448, x + 7, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
        AddTerms<TGroups>(a0, b0, scales, input, token, lane);
        AddTerms<TGroups>(a1, b1, scales, input, token + 1, lane + Rows);
        AddTerms<TGroups>(a2, b2, scales, input, token + 2, lane + 2 * Rows);
        AddTerms<TGroups>(a3, b3, scales, input, token + 3, lane + 3 * Rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SquareStep<TGroups>(byte* weights, int* x, ref TV a0, ref TV b0, ref TV a1, ref TV b1, ref TV a2, ref TV b2, ref TV a3, ref TV b3)
        where TGroups : struct, IGroups
    {
        TV w = TW.Load(weights), v = TW.Load(weights + TW.Lanes * 4);
        TV wm = TGroups.Magnitude(w), vm = TGroups.Magnitude(v);
        TV values = TW.AllInt(x[0]);
        a0 = TGroups.Next(a0, w, wm, values);
        b0 = TGroups.Next(b0, v, vm, values);
        values = TW.AllInt(x[8]);
        a1 = TGroups.Next(a1, w, wm, values);
        b1 = TGroups.Next(b1, v, vm, values);
        values = TW.AllInt(x[16]);
        a2 = TGroups.Next(a2, w, wm, values);
        b2 = TGroups.Next(b2, v, vm, values);
        values = TW.AllInt(x[24]);
        a3 = TGroups.Next(a3, w, wm, values);
        b3 = TGroups.Next(b3, v, vm, values);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTerms<TGroups>(TV a, TV b, float* scales, in TokenGroup input, nint token, float* lane)
        where TGroups : struct, IGroups
    {
        AddTerm<TGroups>(a, TW.Load(scales), TGroups.HasMinimum ? TW.Load(scales + Rows) : a, input, token, lane);
        AddTerm<TGroups>(b, TW.Load(scales + TW.Lanes), TGroups.HasMinimum ? TW.Load(scales + Rows + TW.Lanes) : b, input, token, lane + TW.Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTerm<TGroups>(TV sum, TV scale, TV minimum, in TokenGroup input, nint token, float* lane)
        where TGroups : struct, IGroups => TW.Store(lane, TW.Add(TW.Load(lane), TGroups.Term(TGroups.Total(sum), scale, minimum, input, token)));

    // Sums of one token for two row vectors, of a group as stored or unpacked.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RowPair<TGroups>(byte* from, bool packed, nint row, int* x, out TV a, out TV b)
        where TGroups : struct, IGroups
    {
        TV values = TW.AllInt(x[0]);
        TV w = Weight<TGroups>(from, packed, row, 0), v = Weight<TGroups>(from, packed, row + TW.Lanes, 0);
        a = TGroups.First(w, TGroups.Magnitude(w), values);
        b = TGroups.First(v, TGroups.Magnitude(v), values);
        RowPairStep<TGroups>(from, packed, row, x, 1, ref a, ref b);
        RowPairStep<TGroups>(from, packed, row, x, 2, ref a, ref b);
        RowPairStep<TGroups>(from, packed, row, x, 3, ref a, ref b);
        RowPairStep<TGroups>(from, packed, row, x, 4, ref a, ref b);
        RowPairStep<TGroups>(from, packed, row, x, 5, ref a, ref b);
        RowPairStep<TGroups>(from, packed, row, x, 6, ref a, ref b);
        RowPairStep<TGroups>(from, packed, row, x, 7, ref a, ref b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RowPairStep<TGroups>(byte* from, bool packed, nint row, int* x, int quad, ref TV a, ref TV b)
        where TGroups : struct, IGroups
    {
        TV values = TW.AllInt(x[quad]);
        TV w = Weight<TGroups>(from, packed, row, quad), v = Weight<TGroups>(from, packed, row + TW.Lanes, quad);
        a = TGroups.Next(a, w, TGroups.Magnitude(w), values);
        b = TGroups.Next(b, v, TGroups.Magnitude(v), values);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Weight<TGroups>(byte* from, bool packed, nint row, int quad)
        where TGroups : struct, IGroups => packed ? TGroups.Weights(from, row, quad) : TW.Load(from + row * 4 + quad * 64);

    // Sums of one token for one row vector, whose weights registers hold.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Sum<TGroups>(TV w0, TV w1, TV w2, TV w3, TV w4, TV w5, TV w6, TV w7, int* x)
        where TGroups : struct, IGroups
    {
        TV a = TGroups.First(w0, TGroups.Magnitude(w0), TW.AllInt(x[0]));
        a = TGroups.Next(a, w1, TGroups.Magnitude(w1), TW.AllInt(x[1]));
        a = TGroups.Next(a, w2, TGroups.Magnitude(w2), TW.AllInt(x[2]));
        a = TGroups.Next(a, w3, TGroups.Magnitude(w3), TW.AllInt(x[3]));
        a = TGroups.Next(a, w4, TGroups.Magnitude(w4), TW.AllInt(x[4]));
        a = TGroups.Next(a, w5, TGroups.Magnitude(w5), TW.AllInt(x[5]));
        a = TGroups.Next(a, w6, TGroups.Magnitude(w6), TW.AllInt(x[6]));
        a = TGroups.Next(a, w7, TGroups.Magnitude(w7), TW.AllInt(x[7]));
        return a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Halves(byte* from) => VectorMath<TW, TV>.FromFiniteHalf(TW.LoadShorts(from));

    // What a single token reads passes by once: it does not push activations, code and what other nodes of this machine use out of the shared caches.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchGroup<TGroups>(byte* group, bool once)
        where TGroups : struct, IGroups
    {
        Prefetch256(group + PrefetchBytes, once);
        if (TGroups.Bytes > 512)
            Prefetch256(group + PrefetchBytes + 256, once);
        Prefetch64(group + PrefetchBytes + (TGroups.Bytes & ~255), once);
    }

    /// <summary>One group of a block's tokens: 32 values a token, and what the terms need of each.</summary>
    private struct TokenGroup(QuantizedInput input, int block)
    {
        public sbyte* Values = input.Values(block);
        public float* Scales = input.Scales(block);
        public int* EightSums = input.EightSums(block);
        public float* Shares = input.Shares(block);
        public int* HalfSums = input.HalfSums(block);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Next(int tokens)
        {
            Values += 32 * (nint)tokens;
            Scales += tokens;
            EightSums += tokens;
            Shares += tokens;
            HalfSums += tokens;
        }
    }

    /// <summary>How a quantized format's group lies in a tile and what its term is.</summary>
    private interface IGroups
    {
        /// <summary>Bytes of a group of 16 rows; its 16 scales come first, then the minimums where there are any.</summary>
        static abstract int Bytes { get; }

        static abstract bool HasMinimum { get; }

        /// <summary>Columns 4·quad … 4·quad + 3 of rows from <paramref name="row"/> on, a byte each.</summary>
        static abstract TV Weights(byte* group, nint row, int quad);

        /// <summary>The group's weights as [8 quads][16 rows][4 columns]: where they lie, or unpacked into the panel.</summary>
        static abstract byte* Unpack(byte* group, byte* panel);

        /// <summary>What <see cref="First"/> and <see cref="Next"/> need of a weight besides itself.</summary>
        static abstract TV Magnitude(TV w);

        /// <summary>The sum of four products a row, in a form that <see cref="Total"/> ends.</summary>
        static abstract TV First(TV w, TV magnitude, TV x);

        static abstract TV Next(TV sum, TV w, TV magnitude, TV x);

        static abstract TV Total(TV sum);

        /// <summary>The float32 term of canonical-1, section 4.</summary>
        static abstract TV Term(TV sum, TV scale, TV minimum, in TokenGroup input, nint token);
    }

    private readonly struct GroupsQ8 : IGroups
    {
        public static int Bytes => 32 + 512;

        public static bool HasMinimum => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* group, nint row, int quad) => TW.Load(group + 32 + row * 4 + quad * 64);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Unpack(byte* group, byte* panel) => group + 32;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Magnitude(TV w) => TW.Magnitude(w);

        // Two neighbours fill int16, so each pair widens to int32 before it is added.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV magnitude, TV x) => TW.SumPairs(TW.PairsSigned(w, magnitude, x));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV magnitude, TV x) => TW.AddInt(sum, TW.SumPairs(TW.PairsSigned(w, magnitude, x)));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum) => sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Term(TV sum, TV scale, TV minimum, in TokenGroup input, nint token) =>
            TW.Mul(TW.ToFloat(sum), TW.Mul(scale, TW.All(input.Scales[token])));
    }

    /// <summary>Q4_0: Σ(q − 8)x = Σqx − 8Σx, both exact.</summary>
    private readonly struct GroupsQ4 : IGroups
    {
        public static int Bytes => 32 + 256;

        public static bool HasMinimum => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* group, nint row, int quad) => Nibbles(group + 32 + row * 4, quad);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Unpack(byte* group, byte* panel) => UnpackNibbles(group + 32, panel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Magnitude(TV w) => w;

        // Eight pair sums of at most 2 · 15 · 127 fit int16 (30,480).
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV magnitude, TV x) => TW.PairsUnsigned(w, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV magnitude, TV x) => TW.AddShort(sum, TW.PairsUnsigned(w, x));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum) => TW.SumPairs(sum);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Term(TV sum, TV scale, TV minimum, in TokenGroup input, nint token) =>
            TW.Mul(TW.ToFloat(TW.SubInt(sum, TW.AllInt(input.EightSums[token]))), TW.Mul(scale, TW.All(input.Scales[token])));
    }

    private readonly struct GroupsQ41 : IGroups
    {
        public static int Bytes => 64 + 256;

        public static bool HasMinimum => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* group, nint row, int quad) => Nibbles(group + 64 + row * 4, quad);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Unpack(byte* group, byte* panel) => UnpackNibbles(group + 64, panel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Magnitude(TV w) => w;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV magnitude, TV x) => GroupsQ4.First(w, magnitude, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV magnitude, TV x) => GroupsQ4.Next(sum, w, magnitude, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum) => GroupsQ4.Total(sum);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Term(TV sum, TV scale, TV minimum, in TokenGroup input, nint token) =>
            TW.Add(GroupsQ8.Term(sum, scale, minimum, input, token), TW.Mul(minimum, TW.All(input.Shares[token])));
    }

    /// <summary><see cref="GroupsQ8"/> by dot products.</summary>
    private readonly struct DotsQ8 : IGroups
    {
        public static int Bytes => GroupsQ8.Bytes;

        public static bool HasMinimum => GroupsQ8.HasMinimum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* group, nint row, int quad) => GroupsQ8.Weights(group, row, quad);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Unpack(byte* group, byte* panel) => GroupsQ8.Unpack(group, panel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Magnitude(TV w) => GroupsQ8.Magnitude(w);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV magnitude, TV x) => Next(TW.AllInt(0), w, magnitude, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV magnitude, TV x) => TW.DotSigned(sum, w, magnitude, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum) => sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Term(TV sum, TV scale, TV minimum, in TokenGroup input, nint token) => GroupsQ8.Term(sum, scale, minimum, input, token);
    }

    /// <summary>A format of unsigned quanta by dot products.</summary>
    private readonly struct DotsUnsigned<TGroups> : IGroups
        where TGroups : struct, IGroups
    {
        public static int Bytes => TGroups.Bytes;

        public static bool HasMinimum => TGroups.HasMinimum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* group, nint row, int quad) => TGroups.Weights(group, row, quad);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static byte* Unpack(byte* group, byte* panel) => TGroups.Unpack(group, panel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Magnitude(TV w) => TGroups.Magnitude(w);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV magnitude, TV x) => Next(TW.AllInt(0), w, magnitude, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV magnitude, TV x) => TW.DotUnsigned(sum, w, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum) => sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Term(TV sum, TV scale, TV minimum, in TokenGroup input, nint token) => TGroups.Term(sum, scale, minimum, input, token);
    }

    // Block quad ÷ 2 has the even quad in its low nibbles, the odd one in its high ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Nibbles(byte* packed, int quad)
    {
        TV both = TW.Load(packed + (quad >> 1) * 64);
        return TW.And((quad & 1) == 0 ? both : TW.ShiftRight(both, 4), TW.AllInt(0x0F0F0F0F));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* UnpackNibbles(byte* packed, byte* panel)
    {
        for (nint row = 0; row < Rows * 4; row += TW.Lanes * 4)
        {
            TW.Store(panel + row, Nibbles(packed + row, 0));
            TW.Store(panel + row + 64, Nibbles(packed + row, 1));
            TW.Store(panel + row + 128, Nibbles(packed + row, 2));
            TW.Store(panel + row + 192, Nibbles(packed + row, 3));
            TW.Store(panel + row + 256, Nibbles(packed + row, 4));
            TW.Store(panel + row + 320, Nibbles(packed + row, 5));
            TW.Store(panel + row + 384, Nibbles(packed + row, 6));
            TW.Store(panel + row + 448, Nibbles(packed + row, 7));
        }

        return panel;
    }
}
