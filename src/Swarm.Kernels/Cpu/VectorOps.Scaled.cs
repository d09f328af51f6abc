using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>
/// Products with formats whose groups have integer scales, more than four bits or a table: two quads of columns at a time, whose pairs of products meet in int16 before an integer
/// scale takes them to int32. Otherwise as the plainer formats: lanes in memory, two row vectors to a token's values, squares of four tokens.
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
        else
            ScaledSquares<TFormat>(tile, groups, input, tokens, lanes);
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
                TV pairs = TFormat.Pairs(at, row), otherPairs = TFormat.Pairs(at, other);
                TV low = TFormat.Low(pairs), otherLow = TFormat.Low(otherPairs);
                TV high = TFormat.High(pairs, low), otherHigh = TFormat.High(otherPairs, otherLow);
                ScaledPair<TFormat>(at, packed: true, row, x, low, high, otherLow, otherHigh, out TV a, out TV b);
                AddScaled<TFormat>(a, low, pairs, head + row, input, 0, lane + row);
                AddScaled<TFormat>(b, otherLow, otherPairs, head + other, input, 0, lane + other);
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
                TV pairs = TFormat.Pairs(at, row), low = TFormat.Low(pairs), high = TFormat.High(pairs, low);
                float* lane = lanes + (nint)((g & 7) * tokens * Rows) + row;
                int* x = (int*)input.Values;
                for (nint token = 0; token < tokens; token++, lane += Rows, x += 8)
                {
                    TV sum = TFormat.First(w0, w1, TW.AllInt(x[0]), TW.AllInt(x[1]), low);
                    sum = TFormat.Next(sum, w2, w3, TW.AllInt(x[2]), TW.AllInt(x[3]), low);
                    sum = TFormat.Next(sum, w4, w5, TW.AllInt(x[4]), TW.AllInt(x[5]), high);
                    sum = TFormat.Next(sum, w6, w7, TW.AllInt(x[6]), TW.AllInt(x[7]), high);
                    AddScaled<TFormat>(sum, low, pairs, head + row, input, token, lane);
                }
            }

            input.Next(tokens);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScaledSquares<TFormat>(byte* at, int groups, TokenGroup input, int tokens, float* lanes)
        where TFormat : struct, IScaled
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
                for (nint row = 0; row < Rows; row += 2 * TW.Lanes)
                    ScaledSquare<TFormat>(panel + row * 4, scales + row, head + row, input, token, x, lane + row);
            }

            for (; token < tokens; token++, lane += Rows, x += 8)
            {
                for (nint row = 0; row < Rows; row += 2 * TW.Lanes)
                {
                    int* s = scales + row, other = s + TW.Lanes;
                    ScaledPair<TFormat>(panel, packed: false, row, x, TW.Load(s), TW.Load(s + Rows), TW.Load(other), TW.Load(other + Rows), out TV a, out TV b);
                    AddScaled<TFormat>(a, TW.Load(s), TW.Load(s + 2 * Rows), head + row, input, token, lane + row);
                    AddScaled<TFormat>(b, TW.Load(other), TW.Load(other + 2 * Rows), head + row + TW.Lanes, input, token, lane + row + TW.Lanes);
                }
            }

            input.Next(tokens);
        }
    }

    // One group's terms of four tokens and two row vectors; scales [low, high, pairs][16 rows].
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaledSquare<TFormat>(byte* panel, int* scales, float* head, in TokenGroup input, nint token, int* x, float* lane)
        where TFormat : struct, IScaled
    {
        TV w = TW.Load(panel), v = TW.Load(panel + 64), p = TW.Load(panel + TW.Lanes * 4), q = TW.Load(panel + TW.Lanes * 4 + 64);
        TV low = TW.Load(scales), otherLow = TW.Load(scales + TW.Lanes);
        TV even = TW.AllInt(x[0]), odd = TW.AllInt(x[1]);
        TV a0 = TFormat.First(w, v, even, odd, low), b0 = TFormat.First(p, q, even, odd, otherLow);
        even = TW.AllInt(x[8]);
        odd = TW.AllInt(x[9]);
        TV a1 = TFormat.First(w, v, even, odd, low), b1 = TFormat.First(p, q, even, odd, otherLow);
        even = TW.AllInt(x[16]);
        odd = TW.AllInt(x[17]);
        TV a2 = TFormat.First(w, v, even, odd, low), b2 = TFormat.First(p, q, even, odd, otherLow);
        even = TW.AllInt(x[24]);
        odd = TW.AllInt(x[25]);
        TV a3 = TFormat.First(w, v, even, odd, low), b3 = TFormat.First(p, q, even, odd, otherLow);
        ScaledSquareStep<TFormat>(panel + 128, scales, x + 2, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
        ScaledSquareStep<TFormat>(panel + 256, scales + Rows, x + 4, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
        ScaledSquareStep<TFormat>(panel + 384, scales + Rows, x + 6, ref a0, ref b0, ref a1, ref b1, ref a2, ref b2, ref a3, ref b3);
        AddScaledTwo<TFormat>(a0, b0, scales, head, input, token, lane);
        AddScaledTwo<TFormat>(a1, b1, scales, head, input, token + 1, lane + Rows);
        AddScaledTwo<TFormat>(a2, b2, scales, head, input, token + 2, lane + 2 * Rows);
        AddScaledTwo<TFormat>(a3, b3, scales, head, input, token + 3, lane + 3 * Rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaledSquareStep<TFormat>(
        byte* panel, int* scales, int* x, ref TV a0, ref TV b0, ref TV a1, ref TV b1, ref TV a2, ref TV b2, ref TV a3, ref TV b3)
        where TFormat : struct, IScaled
    {
        TV w = TW.Load(panel), v = TW.Load(panel + 64), p = TW.Load(panel + TW.Lanes * 4), q = TW.Load(panel + TW.Lanes * 4 + 64);
        TV scale = TW.Load(scales), other = TW.Load(scales + TW.Lanes);
        TV even = TW.AllInt(x[0]), odd = TW.AllInt(x[1]);
        a0 = TFormat.Next(a0, w, v, even, odd, scale);
        b0 = TFormat.Next(b0, p, q, even, odd, other);
        even = TW.AllInt(x[8]);
        odd = TW.AllInt(x[9]);
        a1 = TFormat.Next(a1, w, v, even, odd, scale);
        b1 = TFormat.Next(b1, p, q, even, odd, other);
        even = TW.AllInt(x[16]);
        odd = TW.AllInt(x[17]);
        a2 = TFormat.Next(a2, w, v, even, odd, scale);
        b2 = TFormat.Next(b2, p, q, even, odd, other);
        even = TW.AllInt(x[24]);
        odd = TW.AllInt(x[25]);
        a3 = TFormat.Next(a3, w, v, even, odd, scale);
        b3 = TFormat.Next(b3, p, q, even, odd, other);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaledTwo<TFormat>(TV a, TV b, int* scales, float* head, in TokenGroup input, nint token, float* lane)
        where TFormat : struct, IScaled
    {
        AddScaled<TFormat>(a, TW.Load(scales), TW.Load(scales + 2 * Rows), head, input, token, lane);
        AddScaled<TFormat>(b, TW.Load(scales + TW.Lanes), TW.Load(scales + 2 * Rows + TW.Lanes), head + TW.Lanes, input, token, lane + TW.Lanes);
    }

    // The float32 term of canonical-1, section 4, onto its lane.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled<TFormat>(TV sum, TV low, TV pairs, float* head, in TokenGroup input, nint token, float* lane)
        where TFormat : struct, IScaled
    {
        TV scale = TW.All(input.Scales[token]);
        TV term = TW.Mul(TW.ToFloat(TFormat.Total(sum, low, pairs, input, token)), TW.Mul(TW.Load(head), scale));
        if (TFormat.HasMinimum)
            term = TFormat.WithMinimum(term, TW.Load(head + Rows), scale, pairs, input, token);
        TW.Store(lane, TW.Add(TW.Load(lane), term));
    }

    // Integer sums of one token for two row vectors, of a body as stored or of a panel.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaledPair<TFormat>(byte* from, bool packed, nint row, int* x, TV low, TV high, TV otherLow, TV otherHigh, out TV a, out TV b)
        where TFormat : struct, IScaled
    {
        nint other = row + TW.Lanes;
        TV even = TW.AllInt(x[0]), odd = TW.AllInt(x[1]);
        a = TFormat.First(ScaledWeight<TFormat>(from, packed, row, 0), ScaledWeight<TFormat>(from, packed, row, 1), even, odd, low);
        b = TFormat.First(ScaledWeight<TFormat>(from, packed, other, 0), ScaledWeight<TFormat>(from, packed, other, 1), even, odd, otherLow);
        (even, odd) = (TW.AllInt(x[2]), TW.AllInt(x[3]));
        a = TFormat.Next(a, ScaledWeight<TFormat>(from, packed, row, 2), ScaledWeight<TFormat>(from, packed, row, 3), even, odd, low);
        b = TFormat.Next(b, ScaledWeight<TFormat>(from, packed, other, 2), ScaledWeight<TFormat>(from, packed, other, 3), even, odd, otherLow);
        (even, odd) = (TW.AllInt(x[4]), TW.AllInt(x[5]));
        a = TFormat.Next(a, ScaledWeight<TFormat>(from, packed, row, 4), ScaledWeight<TFormat>(from, packed, row, 5), even, odd, high);
        b = TFormat.Next(b, ScaledWeight<TFormat>(from, packed, other, 4), ScaledWeight<TFormat>(from, packed, other, 5), even, odd, otherHigh);
        (even, odd) = (TW.AllInt(x[6]), TW.AllInt(x[7]));
        a = TFormat.Next(a, ScaledWeight<TFormat>(from, packed, row, 6), ScaledWeight<TFormat>(from, packed, row, 7), even, odd, high);
        b = TFormat.Next(b, ScaledWeight<TFormat>(from, packed, other, 6), ScaledWeight<TFormat>(from, packed, other, 7), even, odd, otherHigh);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV ScaledWeight<TFormat>(byte* from, bool packed, nint row, int quad)
        where TFormat : struct, IScaled => packed ? TFormat.Weights(from, row, quad) : TW.Load(from + row * 4 + quad * 64);

    // Scales, then minimums, of 16 rows as float32; returns what follows the head.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* ReadHead<TFormat>(byte* at, float* head)
        where TFormat : struct, IScaled
    {
        for (nint row = 0; row < Rows; row += TW.Lanes)
        {
            TW.Store(head + row, TFormat.HeadScale(at, row));
            if (TFormat.HasMinimum)
                TW.Store(head + Rows + row, Halves(at + 32 + row * 2));
        }

        return at + TFormat.HeadBytes;
    }

    // The body's weights as [8 quads][16 rows][4 columns], and its scales as [low, high, pairs][16 rows].
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
            TV pairs = TFormat.Pairs(at, row), low = TFormat.Low(pairs);
            TW.Store(scales + row, low);
            TW.Store(scales + Rows + row, TFormat.High(pairs, low));
            TW.Store(scales + 2 * Rows + row, pairs);
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

    /// <summary>How a group of such a format lies in a tile (<see cref="TileLayout"/>) and what its term is.</summary>
    private interface IScaled
    {
        static abstract int HeadBytes { get; }

        /// <summary>Groups that share a head.</summary>
        static abstract int Groups { get; }

        static abstract int BodyBytes { get; }

        static abstract bool HasMinimum { get; }

        /// <summary>Scales of rows from <paramref name="row"/> on.</summary>
        static abstract TV HeadScale(byte* head, nint row);

        /// <summary>Columns 4·quad … 4·quad + 3 of rows from <paramref name="row"/> on, a byte each.</summary>
        static abstract TV Weights(byte* body, nint row, int quad);

        /// <summary>What the body says of the rows' integer scales and minimums, as two int16 a row.</summary>
        static abstract TV Pairs(byte* body, nint row);

        /// <summary>The integer scale of columns 0 … 15, twice a row as int16.</summary>
        static abstract TV Low(TV pairs);

        /// <summary>That of columns 16 … 31.</summary>
        static abstract TV High(TV pairs, TV low);

        /// <summary>The sum of eight products a row, in a form that <see cref="Total"/> ends.</summary>
        static abstract TV First(TV w, TV v, TV x, TV y, TV scale);

        static abstract TV Next(TV sum, TV w, TV v, TV x, TV y, TV scale);

        /// <summary>The integer of the term.</summary>
        static abstract TV Total(TV sum, TV low, TV pairs, in TokenGroup input, nint token);

        /// <summary>The term with what minimums add or take away.</summary>
        static abstract TV WithMinimum(TV term, TV minimum, TV scale, TV pairs, in TokenGroup input, nint token);
    }
}
