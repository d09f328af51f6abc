using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>
/// Products with formats whose groups have integer scales, more than four bits or a table: as many pairs of products as int16 holds meet in it before an integer scale takes them to
/// int32. Otherwise as the plainer formats: lanes in memory, two row vectors to a token's values, from four tokens on four to a reading of weights.
/// </summary>
internal sealed unsafe partial class VectorOps<TW, TV>
{
    private static void TileScaled(TileMatrix weights, int tile, TokenGroup input, int tokens, float* lanes)
    {
        byte* at = weights.Tile(tile);
        int groups = weights.Groups;
        switch (weights.Format)
        {
            case WeightFormat.Q5_0:
                ScaledGroups<ScaledQ50>(at, groups, input, tokens, lanes);
                break;
            case WeightFormat.Q5_1:
                ScaledGroups<ScaledQ51>(at, groups, input, tokens, lanes);
                break;
            case WeightFormat.Q2_K:
                ScaledGroups<ScaledQ2K>(at, groups, input, tokens, lanes);
                break;
            case WeightFormat.Q3_K:
                ScaledGroups<ScaledQ3K>(at, groups, input, tokens, lanes);
                break;
            case WeightFormat.Q4_K:
                ScaledGroups<ScaledQ4K>(at, groups, input, tokens, lanes);
                break;
            case WeightFormat.Q5_K:
                ScaledGroups<ScaledQ5K>(at, groups, input, tokens, lanes);
                break;
            case WeightFormat.Q6_K:
                ScaledGroups<ScaledQ6K>(at, groups, input, tokens, lanes);
                break;
            case WeightFormat.IQ4_NL:
                ScaledGroups<ScaledIQ4NL>(at, groups, input, tokens, lanes);
                break;
            case WeightFormat.IQ4_XS:
                ScaledGroups<ScaledIQ4XS>(at, groups, input, tokens, lanes);
                break;
            case WeightFormat.MXFP4:
                ScaledGroups<ScaledMXFP4>(at, groups, input, tokens, lanes);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(weights), weights.Format, "not a quantized format");
        }
    }

    private static void ScaledGroups<TFormat>(byte* tile, int groups, TokenGroup input, int tokens, float* lanes)
        where TFormat : struct, IScaled
    {
        if (2 * TW.Lanes > Rows)
            ScaledRowVectors<TFormat>(tile, groups, input, tokens, lanes);
        else if (tokens == 1)
            ScaledToken<TFormat>(tile, groups, input, lanes);
        else if (TFormat.Quads == 8)
            ScaledSquares<TFormat, TwoVectors>(tile, groups, input, tokens, lanes);
        else
            ScaledSquares<TFormat, OneVector>(tile, groups, input, tokens, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScaledToken<TFormat>(byte* at, int groups, TokenGroup input, float* lanes)
        where TFormat : struct, IScaled
    {
        float* head = stackalloc float[2 * Rows];
        for (int g = 0; g < groups; g++, at += TFormat.BodyBytes)
        {
            if (g % TFormat.Groups == 0)
                at = ReadHead<TFormat>(at, head);
            PrefetchBody<TFormat>(at, once: true);
            float* lane = lanes + (g & 7) * Rows;
            int* x = (int*)input.Values;
            for (nint row = 0; row < Rows; row += 2 * TW.Lanes)
            {
                nint other = row + TW.Lanes;
                TFormat.Scales(at, row, out TV low, out TV high, out TV less);
                TFormat.Scales(at, other, out TV otherLow, out TV otherHigh, out TV otherLess);
                TV x0 = TW.AllInt(x[0]), x1 = TW.AllInt(x[1]), x2 = TW.AllInt(x[2]), x3 = TW.AllInt(x[3]);
                TV a = StoredHalf<TFormat>(at, row, 0, x0, x1, x2, x3, low), b = StoredHalf<TFormat>(at, other, 0, x0, x1, x2, x3, otherLow);
                (x0, x1, x2, x3) = (TW.AllInt(x[4]), TW.AllInt(x[5]), TW.AllInt(x[6]), TW.AllInt(x[7]));
                a = Join<TFormat>(a, StoredHalf<TFormat>(at, row, 4, x0, x1, x2, x3, high), low);
                b = Join<TFormat>(b, StoredHalf<TFormat>(at, other, 4, x0, x1, x2, x3, otherHigh), otherLow);
                AddScaled<TFormat>(a, less, head + row, input, 0, lane + row);
                AddScaled<TFormat>(b, otherLess, head + other, input, 0, lane + other);
            }

            input.Next(1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScaledRowVectors<TFormat>(byte* at, int groups, TokenGroup input, int tokens, float* lanes)
        where TFormat : struct, IScaled
    {
        float* head = stackalloc float[2 * Rows];
        for (int g = 0; g < groups; g++, at += TFormat.BodyBytes)
        {
            if (g % TFormat.Groups == 0)
                at = ReadHead<TFormat>(at, head);
            PrefetchBody<TFormat>(at, once: false);
            for (nint row = 0; row < Rows; row += TW.Lanes)
            {
                TV w0 = TFormat.Weights(at, row, 0), w1 = TFormat.Weights(at, row, 1), w2 = TFormat.Weights(at, row, 2), w3 = TFormat.Weights(at, row, 3);
                TV w4 = TFormat.Weights(at, row, 4), w5 = TFormat.Weights(at, row, 5), w6 = TFormat.Weights(at, row, 6), w7 = TFormat.Weights(at, row, 7);
                TFormat.Scales(at, row, out TV low, out TV high, out TV less);
                float* lane = lanes + (nint)((g & 7) * tokens * Rows) + row;
                int* x = (int*)input.Values;
                for (nint token = 0; token < tokens; token++, lane += Rows, x += 8)
                {
                    TV sum = TokenHalf<TFormat>(w0, w1, w2, w3, x, low);
                    sum = Join<TFormat>(sum, TokenHalf<TFormat>(w4, w5, w6, w7, x + 4, high), low);
                    AddScaled<TFormat>(sum, less, head + row, input, token, lane);
                }
            }

            input.Next(tokens);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScaledSquares<TFormat, TSquare>(byte* at, int groups, TokenGroup input, int tokens, float* lanes)
        where TFormat : struct, IScaled
        where TSquare : struct, IScaledSquare
    {
        byte* panel = stackalloc byte[512];
        float* head = stackalloc float[2 * Rows];
        int* scales = stackalloc int[3 * Rows];
        for (int g = 0; g < groups; g++, at += TFormat.BodyBytes)
        {
            if (g % TFormat.Groups == 0)
                at = ReadHead<TFormat>(at, head);
            PrefetchBody<TFormat>(at, once: false);
            UnpackBody<TFormat>(at, panel, scales);
            float* lane = lanes + (nint)((g & 7) * tokens * Rows);
            int* x = (int*)input.Values;
            nint token = 0;
            for (; token + SquareTokens <= tokens; token += SquareTokens, lane += SquareTokens * Rows, x += SquareTokens * 8)
            {
                for (nint row = 0; row < Rows; row += TSquare.RowVectors * TW.Lanes)
                    TSquare.Add<TFormat>(panel + row * 4, scales + row, head + row, input, token, x, lane + row);
            }

            for (; token < tokens; token++, lane += Rows, x += 8)
            {
                for (nint row = 0; row < Rows; row += TW.Lanes)
                    ScaledOne<TFormat>(panel + row * 4, scales + row, head + row, input, token, x, lane + row);
            }

            input.Next(tokens);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaledOne<TFormat>(byte* panel, int* scales, float* head, in TokenGroup input, nint token, int* x, float* lane)
        where TFormat : struct, IScaled
    {
        TV low = TW.Load(scales);
        TV a = TokenHalf<TFormat>(TW.Load(panel), TW.Load(panel + 64), TW.Load(panel + 128), TW.Load(panel + 192), x, low);
        TV b = TokenHalf<TFormat>(TW.Load(panel + 256), TW.Load(panel + 320), TW.Load(panel + 384), TW.Load(panel + 448), x + 4, TW.Load(scales + Rows));
        AddScaled<TFormat>(Join<TFormat>(a, b, low), TW.Load(scales + 2 * Rows), head, input, token, lane);
    }

    /// <summary>One group's terms of four tokens, onto their lanes; a parameter, because the two forms in one method are more than the compiler inlines.</summary>
    private interface IScaledSquare
    {
        static abstract int RowVectors { get; }

        static abstract void Add<TFormat>(byte* panel, int* scales, float* head, in TokenGroup input, nint token, int* x, float* lane)
            where TFormat : struct, IScaled;
    }

    /// <summary>One group's terms of four tokens and two row vectors, whose sums stay in int16 over all columns.</summary>
    private readonly struct TwoVectors : IScaledSquare
    {
        public static int RowVectors => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add<TFormat>(byte* panel, int* scales, float* head, in TokenGroup input, nint token, int* x, float* lane)
            where TFormat : struct, IScaled
        {
            TV w = TW.Load(panel), v = TW.Load(panel + TW.Lanes * 4);
            TV values = TW.AllInt(x[0]);
            TV a0 = TW.PairsUnsigned(w, values), b0 = TW.PairsUnsigned(v, values);
            values = TW.AllInt(x[8]);
            TV a1 = TW.PairsUnsigned(w, values), b1 = TW.PairsUnsigned(v, values);
            values = TW.AllInt(x[16]);
            TV a2 = TW.PairsUnsigned(w, values), b2 = TW.PairsUnsigned(v, values);
            values = TW.AllInt(x[24]);
            TV a3 = TW.PairsUnsigned(w, values), b3 = TW.PairsUnsigned(v, values);
            SquareStep<GroupsQ4>(panel + 64, x + 1, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
            SquareStep<GroupsQ4>(panel + 128, x + 2, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
            SquareStep<GroupsQ4>(panel + 192, x + 3, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
            SquareStep<GroupsQ4>(panel + 256, x + 4, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
            SquareStep<GroupsQ4>(panel + 320, x + 5, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
            SquareStep<GroupsQ4>(panel + 384, x + 6, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
            SquareStep<GroupsQ4>(panel + 448, x + 7, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
            TV scale = TW.Load(scales), other = TW.Load(scales + TW.Lanes);
            (a0, b0, a1, b1) = (TW.MulPairs(a0, scale), TW.MulPairs(b0, other), TW.MulPairs(a1, scale), TW.MulPairs(b1, other));
            (a2, b2, a3, b3) = (TW.MulPairs(a2, scale), TW.MulPairs(b2, other), TW.MulPairs(a3, scale), TW.MulPairs(b3, other));
            TV less = TW.Load(scales + 2 * Rows), otherLess = TW.Load(scales + 2 * Rows + TW.Lanes);
            AddScaled<TFormat>(a0, less, head, input, token, lane);
            AddScaled<TFormat>(b0, otherLess, head + TW.Lanes, input, token, lane + TW.Lanes);
            AddScaled<TFormat>(a1, less, head, input, token + 1, lane + Rows);
            AddScaled<TFormat>(b1, otherLess, head + TW.Lanes, input, token + 1, lane + Rows + TW.Lanes);
            AddScaled<TFormat>(a2, less, head, input, token + 2, lane + 2 * Rows);
            AddScaled<TFormat>(b2, otherLess, head + TW.Lanes, input, token + 2, lane + 2 * Rows + TW.Lanes);
            AddScaled<TFormat>(a3, less, head, input, token + 3, lane + 3 * Rows);
            AddScaled<TFormat>(b3, otherLess, head + TW.Lanes, input, token + 3, lane + 3 * Rows + TW.Lanes);
        }
    }

    /// <summary>One group's terms of four tokens and a row vector, where sums leave int16 earlier: half the columns' weights stay in registers. A square's int32 sums beside
    /// its int16 ones do not fit them.</summary>
    private readonly struct OneVector : IScaledSquare
    {
        public static int RowVectors => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Add<TFormat>(byte* panel, int* scales, float* head, in TokenGroup input, nint token, int* x, float* lane)
            where TFormat : struct, IScaled
        {
            TV low = TW.Load(scales), w0 = TW.Load(panel), w1 = TW.Load(panel + 64), w2 = TW.Load(panel + 128), w3 = TW.Load(panel + 192);
            TV a = TokenHalf<TFormat>(w0, w1, w2, w3, x, low), b = TokenHalf<TFormat>(w0, w1, w2, w3, x + 8, low);
            TV c = TokenHalf<TFormat>(w0, w1, w2, w3, x + 16, low), d = TokenHalf<TFormat>(w0, w1, w2, w3, x + 24, low);
            TV high = TW.Load(scales + Rows);
            (w0, w1, w2, w3) = (TW.Load(panel + 256), TW.Load(panel + 320), TW.Load(panel + 384), TW.Load(panel + 448));
            a = Join<TFormat>(a, TokenHalf<TFormat>(w0, w1, w2, w3, x + 4, high), low);
            b = Join<TFormat>(b, TokenHalf<TFormat>(w0, w1, w2, w3, x + 12, high), low);
            c = Join<TFormat>(c, TokenHalf<TFormat>(w0, w1, w2, w3, x + 20, high), low);
            d = Join<TFormat>(d, TokenHalf<TFormat>(w0, w1, w2, w3, x + 28, high), low);
            TV less = TW.Load(scales + 2 * Rows);
            AddScaled<TFormat>(a, less, head, input, token, lane);
            AddScaled<TFormat>(b, less, head, input, token + 1, lane + Rows);
            AddScaled<TFormat>(c, less, head, input, token + 2, lane + 2 * Rows);
            AddScaled<TFormat>(d, less, head, input, token + 3, lane + 3 * Rows);
        }
    }

    // The float32 term of canonical-1, section 4, onto its lane.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled<TFormat>(TV sum, TV less, float* head, in TokenGroup input, nint token, float* lane)
        where TFormat : struct, IScaled
    {
        TV scale = TW.All(input.Scales[token]);
        if (TFormat.Minimums == ScaledMinimums.Offset)
            sum = TW.SubInt(sum, TW.MulPairs(less, TW.AllInt(input.HalfSums[token])));
        TV term = TW.Mul(TW.ToFloat(sum), TW.Mul(TW.Load(head), scale));
        if (TFormat.Minimums == ScaledMinimums.Float)
            term = TW.Add(term, TW.Mul(TW.Load(head + Rows), TW.All(input.Shares[token])));
        if (TFormat.Minimums == ScaledMinimums.Integer)
            term = TW.Sub(term, TW.Mul(TW.ToFloat(TW.MulPairs(less, TW.AllInt(input.HalfSums[token]))), TW.Mul(TW.Load(head + Rows), scale)));
        TW.Store(lane, TW.Add(TW.Load(lane), term));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV StoredHalf<TFormat>(byte* body, nint row, int quad, TV x0, TV x1, TV x2, TV x3, TV scale)
        where TFormat : struct, IScaled => HalfSum<TFormat>(
            TFormat.Weights(body, row, quad), TFormat.Weights(body, row, quad + 1), TFormat.Weights(body, row, quad + 2), TFormat.Weights(body, row, quad + 3), x0, x1, x2, x3, scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV TokenHalf<TFormat>(TV w0, TV w1, TV w2, TV w3, int* x, TV scale)
        where TFormat : struct, IScaled => HalfSum<TFormat>(w0, w1, w2, w3, TW.AllInt(x[0]), TW.AllInt(x[1]), TW.AllInt(x[2]), TW.AllInt(x[3]), scale);

    // The sum of 16 products a row, times their scale: as late as int16 holds them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV HalfSum<TFormat>(TV w0, TV w1, TV w2, TV w3, TV x0, TV x1, TV x2, TV x3, TV scale)
        where TFormat : struct, IScaled
    {
        if (TFormat.Quads == 1)
        {
            TV first = TW.AddInt(Signed(w0, x0, scale), Signed(w1, x1, scale));
            return TW.AddInt(first, TW.AddInt(Signed(w2, x2, scale), Signed(w3, x3, scale)));
        }

        TV low = TW.AddShort(TW.PairsUnsigned(w0, x0), TW.PairsUnsigned(w1, x1)), high = TW.AddShort(TW.PairsUnsigned(w2, x2), TW.PairsUnsigned(w3, x3));
        if (TFormat.Quads == 2)
            return TW.AddInt(TW.MulPairs(low, scale), TW.MulPairs(high, scale));
        TV both = TW.AddShort(low, high);
        return TFormat.Quads == 4 ? TW.MulPairs(both, scale) : both;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Signed(TV w, TV x, TV scale) => TW.MulPairs(TW.PairsSigned(w, TW.Magnitude(w), x), scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Join<TFormat>(TV a, TV b, TV scale)
        where TFormat : struct, IScaled => TFormat.Quads == 8 ? TW.MulPairs(TW.AddShort(a, b), scale) : TW.AddInt(a, b);

    // Scales, then minimums, of 16 rows as float32; returns what follows the head.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* ReadHead<TFormat>(byte* at, float* head)
        where TFormat : struct, IScaled
    {
        for (nint row = 0; row < Rows; row += TW.Lanes)
        {
            TW.Store(head + row, TFormat.HeadScale(at, row));
            if (TFormat.Minimums is ScaledMinimums.Float or ScaledMinimums.Integer)
                TW.Store(head + Rows + row, Halves(at + 32 + row * 2));
        }

        return at + TFormat.HeadBytes;
    }

    // The body's weights as [8 quads][16 rows][4 columns], and its scales as [low, high, less][16 rows].
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UnpackBody<TFormat>(byte* at, byte* panel, int* scales)
        where TFormat : struct, IScaled
    {
        for (nint row = 0; row < Rows; row += TW.Lanes)
        {
            byte* to = panel + row * 4;
            TW.Store(to, TFormat.Weights(at, row, 0));
            TW.Store(to + 64, TFormat.Weights(at, row, 1));
            TW.Store(to + 128, TFormat.Weights(at, row, 2));
            TW.Store(to + 192, TFormat.Weights(at, row, 3));
            TW.Store(to + 256, TFormat.Weights(at, row, 4));
            TW.Store(to + 320, TFormat.Weights(at, row, 5));
            TW.Store(to + 384, TFormat.Weights(at, row, 6));
            TW.Store(to + 448, TFormat.Weights(at, row, 7));
            TFormat.Scales(at, row, out TV low, out TV high, out TV less);
            TW.Store(scales + row, low);
            TW.Store(scales + Rows + row, high);
            TW.Store(scales + 2 * Rows + row, less);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchBody<TFormat>(byte* at, bool once)
        where TFormat : struct, IScaled
    {
        at += PrefetchBytes;
        Prefetch64(at, once);
        Prefetch64(at + 64, once);
        Prefetch64(at + 128, once);
        if (TFormat.BodyBytes > 192)
            Prefetch64(at + 192, once);
        if (TFormat.BodyBytes > 256)
            Prefetch64(at + 256, once);
        if (TFormat.BodyBytes > 320)
            Prefetch64(at + 320, once);
        if (TFormat.BodyBytes > 384)
            Prefetch64(at + 384, once);
    }

    // The bits of a mask, moved from place to place within each lane; bits of a neighbouring byte are masked away.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Moved(TV bits, int from, int to, int mask) =>
        TW.And(from == to ? bits : from < to ? TW.ShiftLeft(bits, to - from) : TW.ShiftRight(bits, from - to), TW.AllInt(mask));

    /// <summary>What there is besides scale times integer.</summary>
    private enum ScaledMinimums
    {
        None,

        /// <summary>Quanta count from an offset: integer scales, times it, are taken away for each x.</summary>
        Offset,

        /// <summary>A minimum in float is added for each x.</summary>
        Float,

        /// <summary>Integer minimums, times one in float, are taken away for each x.</summary>
        Integer,
    }

    /// <summary>How a group of such a format lies in a tile (<see cref="TileLayout"/>).</summary>
    private interface IScaled
    {
        static abstract int HeadBytes { get; }

        /// <summary>Groups that share a head.</summary>
        static abstract int Groups { get; }

        static abstract int BodyBytes { get; }

        /// <summary>How many quads' products with 127 int16 holds, two products to a sum: 1 for signed weights, 2 up to 63, 4 up to 31, 8 (then under one scale) up to 15.</summary>
        static abstract int Quads { get; }

        static abstract ScaledMinimums Minimums { get; }

        /// <summary>Scales of rows from <paramref name="row"/> on.</summary>
        static abstract TV HeadScale(byte* head, nint row);

        /// <summary>Columns 4·quad … 4·quad + 3 of rows from <paramref name="row"/> on, a byte each.</summary>
        static abstract TV Weights(byte* body, nint row, int quad);

        /// <summary>What belongs to the rows' first and second 16 columns, as two int16 a row.</summary>
        /// <param name="body">Of the group.</param>
        /// <param name="row">The first row.</param>
        /// <param name="low">The first columns' integer scale, twice.</param>
        /// <param name="high">The second columns', twice.</param>
        /// <param name="less">What is taken away for each x of the first and of the second columns.</param>
        static abstract void Scales(byte* body, nint row, out TV low, out TV high, out TV less);
    }
}
