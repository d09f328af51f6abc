using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Swarm.Kernels.Cpu;

/// <summary>Attention over one page. Keys and values become float32 once for all queries of a key-value head; up to four queries share each reading of them.</summary>
internal sealed unsafe partial class VectorOps<TW, TV>
{
    private const int Page = KernelSet.PagePositions;

    /// <summary>float32 keys, then values, of a page; scores; the lanes of four queries by two vectors.</summary>
    public override long PageScratch(int keySize, int valueSize, int queries) =>
        ((long)Page * Math.Max(keySize, valueSize) + (long)Page * queries + 8 * 4 * 2 * TW.Lanes) * sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int AttendPage(in PageQueries page, byte* scratch)
    {
        int size = page.KeySize, queries = page.Tokens * page.Heads;
        int present = page.SeenBy(page.Tokens - 1);
        float* stored = (float*)scratch;
        float* scores = stored + Page * Math.Max(size, page.ValueSize);
        float* lanes = scores + Page * queries;

        // What comes next is asked for before it is needed: pages are read once a token, from memory.
        Prefetch(page.Values, (long)present * page.ValueSize * sizeof(ushort));

        // 1. Keys, and what each query makes of them. Vectors go past what is present: the scores that come of it are not read.
        const int Step = 2;
        int columns = (present + Step * TW.Lanes - 1) / (Step * TW.Lanes) * (Step * TW.Lanes);
        if (columns == Page)
            FromHalf(page.Keys, stored, Page * size);
        else
        {
            for (int d = 0; d < size; d++)
                FromAnyHalf(page.Keys + d * Page, stored + d * Page, columns);
        }

        int shared = 0;
        for (int query = 0; query < queries;)
        {
            float* from = page.Queries + (long)query * size, to = scores + query * Page;
            switch (queries - query)
            {
                case 1:
                    Scores(from, stored, size, columns, page.Scale, to);
                    query++;
                    break;
                case 2:
                    Scores<Two>(from, stored, size, columns, page.Scale, to, lanes);
                    query += 2;
                    shared += 2;
                    break;
                case 3:
                    Scores<Three>(from, stored, size, columns, page.Scale, to, lanes);
                    query += 3;
                    shared += 3;
                    break;
                default:
                    Scores<Four>(from, stored, size, columns, page.Scale, to, lanes);
                    query += 4;
                    shared += 4;
                    break;
            }
        }

        // 2. Weights. Those of positions that a query does not see are zero.
        bool bent = page.SoftCap != 0 || page.Slopes != null;
        for (int token = 0, query = 0; token < page.Tokens; token++)
        {
            int hidden = page.HiddenTo(token), seen = page.SeenBy(token);
            for (int head = 0; head < page.Heads; head++, query++)
            {
                float* own = scores + query * Page;
                if (bent)
                    Bend(page, token, head, columns, own);
                new Span<float>(own, hidden).Fill(float.NegativeInfinity);
                page.Maxima[query] = Largest(own, seen);
                page.Sums[query] = Exponentials(own, hidden, seen, page.Maxima[query]);
            }
        }

        // 3. Values, and their weighted sums. Zeros stand for what is absent: a lane is never −0, so a zero weight times a finite value changes nothing. A value that is not
        // finite must not meet a query that does not see it.
        if (page.Next != null)
            Prefetch(page.Next, (long)Page * size * sizeof(ushort));
        size = page.ValueSize;
        bool finite = FromHalf(page.Values, stored, present * size);
        int padded = (present + 7) & ~7;
        new Span<float>(stored + present * size, (padded - present) * size).Clear();
        bool together = finite && size % (2 * TW.Lanes) == 0;
        for (int query = 0; query < queries;)
        {
            float* weights = scores + query * Page, to = page.Weighted + (long)query * size;
            switch (together ? queries - query : 1)
            {
                case 1:
                    // What one token's window has left behind the next ones' have too.
                    if (!finite)
                        new Span<float>(stored, page.HiddenTo(query / page.Heads) * size).Clear();
                    Weigh(weights, page.SeenBy(query / page.Heads), stored, size, to);
                    query++;
                    break;
                case 2:
                    Weigh<Two>(weights, padded, stored, size, to, lanes);
                    query += 2;
                    break;
                case 3:
                    Weigh<Three>(weights, padded, stored, size, to, lanes);
                    query += 3;
                    break;
                default:
                    Weigh<Four>(weights, padded, stored, size, to, lanes);
                    query += 4;
                    break;
            }
        }

        return shared;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Blend(float* output, float keep, float* weighted, float take, int length)
    {
        int d = 0;
        for (; d + TW.Lanes <= length; d += TW.Lanes)
            TW.Store(output + d, TW.Add(TW.Mul(TW.Load(output + d), TW.All(keep)), TW.Mul(TW.Load(weighted + d), TW.All(take))));
        for (; d < length; d++)
            output[d] = output[d] * keep + weighted[d] * take;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Multiply(float* values, float factor, long length)
    {
        int i = 0;
        for (; i + TW.Lanes <= length; i += TW.Lanes)
            TW.Store(values + i, TW.Mul(TW.Load(values + i), TW.All(factor)));
        for (; i < length; i++)
            values[i] *= factor;
    }

    private static void Prefetch(ushort* from, long bytes)
    {
        if (!Sse.IsSupported)
            return;
        for (byte* line = (byte*)from, end = line + bytes; line < end; line += 64)
            Sse.Prefetch1(line);
    }

    /// <summary>float32 of binary16; returns whether all are finite, which they nearly always are and which is quicker.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool FromHalf(ushort* from, float* to, int length)
    {
        // An exponent of all ones carries into the sign's place when one is added to it.
        TV carries = TW.AllInt(0), magnitude = TW.AllInt(0x7FFF7FFF), one = TW.AllInt(0x04000400);
        int i = 0;
        for (; i + 2 * TW.Lanes <= length; i += 2 * TW.Lanes)
            carries = TW.Or(carries, TW.AddShort(TW.And(TW.Load(from + i), magnitude), one));
        bool finite = TW.MaxAcross(TW.ShiftRight(TW.And(carries, TW.AllInt(unchecked((int)0x80008000))), 1)) == 0;
        for (; i < length; i++)
            finite &= (from[i] & 0x7C00) != 0x7C00;
        if (!finite)
        {
            FromAnyHalf(from, to, length);
            return false;
        }

        for (i = 0; i + TW.Lanes <= length; i += TW.Lanes)
            TW.Store(to + i, VectorMath<TW, TV>.FromFiniteHalf(TW.LoadShorts(from + i)));
        for (; i < length; i++)
            to[i] = HalfBits.ToSingle(from[i]);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromAnyHalf(ushort* from, float* to, int length)
    {
        int i = 0;
        for (; i + TW.Lanes <= length; i += TW.Lanes)
            TW.Store(to + i, VectorMath<TW, TV>.FromHalf(TW.LoadShorts(from + i)));
        for (; i < length; i++)
            to[i] = HalfBits.ToSingle(from[i]);
    }

    // scores[j] = scale · Σ q[d]·k[d][j], j < columns: the eight lanes of one query in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scores(float* query, float* keys, int size, int columns, float scale, float* scores)
    {
        for (int j = 0; j < columns; j += TW.Lanes)
        {
            TV a0 = TW.AllInt(0), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
            float* k = keys + j;
            for (int d = 0; d < size; d += 8, k += 8 * Page)
            {
                a0 = TW.Add(a0, TW.Mul(TW.Load(k), TW.All(query[d])));
                a1 = TW.Add(a1, TW.Mul(TW.Load(k + 64), TW.All(query[d + 1])));
                a2 = TW.Add(a2, TW.Mul(TW.Load(k + 128), TW.All(query[d + 2])));
                a3 = TW.Add(a3, TW.Mul(TW.Load(k + 192), TW.All(query[d + 3])));
                a4 = TW.Add(a4, TW.Mul(TW.Load(k + 256), TW.All(query[d + 4])));
                a5 = TW.Add(a5, TW.Mul(TW.Load(k + 320), TW.All(query[d + 5])));
                a6 = TW.Add(a6, TW.Mul(TW.Load(k + 384), TW.All(query[d + 6])));
                a7 = TW.Add(a7, TW.Mul(TW.Load(k + 448), TW.All(query[d + 7])));
            }

            TV sum = TW.Add(TW.Add(TW.Add(a0, a4), TW.Add(a2, a6)), TW.Add(TW.Add(a1, a5), TW.Add(a3, a7)));
            TW.Store(scores + j, TW.Mul(sum, TW.All(scale)));
        }
    }

    // The same for several queries [n][size], lane after lane: the accumulators of n queries by two vectors of positions.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scores<TCount>(float* queries, float* keys, int size, int columns, float scale, float* scores, float* lanes)
        where TCount : struct, IQueryCount
    {
        for (int j = 0; j < columns; j += 2 * TW.Lanes)
        {
            for (int lane = 0; lane < 8; lane++)
                Lane<TCount>(queries + lane, 8, size, keys + lane * Page + j, 8 * Page, (size + 7 - lane) / 8, lanes + lane * 2 * TCount.Count * TW.Lanes);
            for (int query = 0; query < TCount.Count; query++)
            {
                float* to = scores + query * Page + j;
                float* from = lanes + 2 * query * TW.Lanes;
                TW.Store(to, TW.Mul(Met<TCount>(from), TW.All(scale)));
                TW.Store(to + TW.Lanes, TW.Mul(Met<TCount>(from + TW.Lanes), TW.All(scale)));
            }
        }
    }

    // sums[query][2 vectors] = Σ factors[query][i]·rows[i] over every eighth term.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lane<TCount>(float* factors, int factorStep, int factorStride, float* rows, int rowStep, int count, float* sums)
        where TCount : struct, IQueryCount
    {
        TV a0 = TW.AllInt(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
        for (int i = 0; i < count; i++, factors += factorStep, rows += rowStep)
        {
            TV low = TW.Load(rows), high = TW.Load(rows + TW.Lanes);
            TV factor = TW.All(factors[0]);
            a0 = TW.Add(a0, TW.Mul(low, factor));
            a1 = TW.Add(a1, TW.Mul(high, factor));
            factor = TW.All(factors[factorStride]);
            b0 = TW.Add(b0, TW.Mul(low, factor));
            b1 = TW.Add(b1, TW.Mul(high, factor));
            if (TCount.Count > 2)
            {
                factor = TW.All(factors[2 * factorStride]);
                c0 = TW.Add(c0, TW.Mul(low, factor));
                c1 = TW.Add(c1, TW.Mul(high, factor));
            }

            if (TCount.Count > 3)
            {
                factor = TW.All(factors[3 * factorStride]);
                d0 = TW.Add(d0, TW.Mul(low, factor));
                d1 = TW.Add(d1, TW.Mul(high, factor));
            }
        }

        TW.Store(sums, a0);
        TW.Store(sums + TW.Lanes, a1);
        TW.Store(sums + 2 * TW.Lanes, b0);
        TW.Store(sums + 3 * TW.Lanes, b1);
        if (TCount.Count > 2)
        {
            TW.Store(sums + 4 * TW.Lanes, c0);
            TW.Store(sums + 5 * TW.Lanes, c1);
        }

        if (TCount.Count > 3)
        {
            TW.Store(sums + 6 * TW.Lanes, d0);
            TW.Store(sums + 7 * TW.Lanes, d1);
        }
    }

    // The tree over a vector of the eight lanes that Lane stored.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Met<TCount>(float* lanes)
        where TCount : struct, IQueryCount
    {
        int lane = 2 * TCount.Count * TW.Lanes;
        TV even = TW.Add(TW.Add(TW.Load(lanes), TW.Load(lanes + 4 * lane)), TW.Add(TW.Load(lanes + 2 * lane), TW.Load(lanes + 6 * lane)));
        TV odd = TW.Add(TW.Add(TW.Load(lanes + lane), TW.Load(lanes + 5 * lane)), TW.Add(TW.Load(lanes + 3 * lane), TW.Load(lanes + 7 * lane)));
        return TW.Add(even, odd);
    }

    // Scores of one query: the soft cap, then the slope.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Bend(in PageQueries page, int token, int head, int columns, float* scores)
    {
        if (page.SoftCap != 0)
        {
            TV inverse = TW.All(page.InverseCap), cap = TW.All(page.SoftCap);
            for (int j = 0; j < columns; j += TW.Lanes)
                TW.Store(scores + j, TW.Mul(VectorMath<TW, TV>.Tanh(TW.Mul(TW.Load(scores + j), inverse)), cap));
        }

        if (page.Slopes == null)
            return;
        int* places = stackalloc int[16] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
        TV place = TW.AddInt(TW.Load(places), TW.AllInt(page.Distance(token))), slope = TW.All(page.Slopes[head]);
        for (int j = 0; j < columns; j += TW.Lanes)
        {
            TW.Store(scores + j, TW.Add(TW.Load(scores + j), TW.Mul(slope, TW.ToFloat(place))));
            place = TW.AddInt(place, TW.AllInt(TW.Lanes));
        }
    }

    // The largest of the first count that is not NaN.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Largest(float* scores, int count)
    {
        TV largest = TW.All(float.NegativeInfinity);
        int j = 0;
        for (; j + TW.Lanes <= count; j += TW.Lanes)
        {
            TV some = TW.Load(scores + j);
            largest = TW.Select(TW.Less(largest, some), some, largest);
        }

        float* each = stackalloc float[16];
        TW.Store(each, largest);
        float maximum = float.NegativeInfinity;
        for (int i = 0; i < TW.Lanes; i++)
            maximum = each[i] > maximum ? each[i] : maximum;
        for (; j < count; j++)
            maximum = scores[j] > maximum ? scores[j] : maximum;
        return maximum;
    }

    // scores = exp(scores − maximum), zeros before hidden and from count to the page's end; returns their canonical sum.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Exponentials(float* scores, int hidden, int count, float maximum)
    {
        for (int j = 0; j < count; j += TW.Lanes)
            TW.Store(scores + j, VectorMath<TW, TV>.Exp(TW.Sub(TW.Load(scores + j), TW.All(maximum))));
        new Span<float>(scores + count, Page - count).Clear();
        new Span<float>(scores, hidden).Clear();
        Vector256<float> sum = Vector256<float>.Zero;
        for (int j = 0; j < count; j += 8)
            sum += Vector256.Load(scores + j);
        float* lanes = stackalloc float[8];
        sum.Store(lanes);
        return ScalarOps.Meet(lanes);
    }

    // weighted[query][d] = canonical sum over j < count, a multiple of 8, of scores[query][j]·values[j][d]; size is a multiple of two vectors.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weigh<TCount>(float* scores, int count, float* values, int size, float* weighted, float* lanes)
        where TCount : struct, IQueryCount
    {
        for (int d = 0; d < size; d += 2 * TW.Lanes)
        {
            for (int lane = 0; lane < 8; lane++)
                Lane<TCount>(scores + lane, 8, Page, values + lane * size + d, 8 * size, count / 8, lanes + lane * 2 * TCount.Count * TW.Lanes);
            for (int query = 0; query < TCount.Count; query++)
            {
                float* to = weighted + (long)query * size + d;
                float* from = lanes + 2 * query * TW.Lanes;
                TW.Store(to, Met<TCount>(from));
                TW.Store(to + TW.Lanes, Met<TCount>(from + TW.Lanes));
            }
        }
    }

    // weighted[d] = canonical sum over j < count of scores[j]·values[j][d]. Later positions must not come near: a zero score times their NaN is NaN.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weigh(float* scores, int count, float* values, int size, float* weighted)
    {
        int d = 0;
        for (; d + TW.Lanes <= size; d += TW.Lanes)
        {
            TV a0 = TW.AllInt(0), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
            float* v = values + d;
            int j = 0;
            for (; j + 8 <= count; j += 8, v += 8 * size)
            {
                a0 = TW.Add(a0, TW.Mul(TW.Load(v), TW.All(scores[j])));
                a1 = TW.Add(a1, TW.Mul(TW.Load(v + size), TW.All(scores[j + 1])));
                a2 = TW.Add(a2, TW.Mul(TW.Load(v + 2 * size), TW.All(scores[j + 2])));
                a3 = TW.Add(a3, TW.Mul(TW.Load(v + 3 * size), TW.All(scores[j + 3])));
                a4 = TW.Add(a4, TW.Mul(TW.Load(v + 4 * size), TW.All(scores[j + 4])));
                a5 = TW.Add(a5, TW.Mul(TW.Load(v + 5 * size), TW.All(scores[j + 5])));
                a6 = TW.Add(a6, TW.Mul(TW.Load(v + 6 * size), TW.All(scores[j + 6])));
                a7 = TW.Add(a7, TW.Mul(TW.Load(v + 7 * size), TW.All(scores[j + 7])));
            }

            if (j < count)
                a0 = TW.Add(a0, TW.Mul(TW.Load(v), TW.All(scores[j])));
            if (j + 1 < count)
                a1 = TW.Add(a1, TW.Mul(TW.Load(v + size), TW.All(scores[j + 1])));
            if (j + 2 < count)
                a2 = TW.Add(a2, TW.Mul(TW.Load(v + 2 * size), TW.All(scores[j + 2])));
            if (j + 3 < count)
                a3 = TW.Add(a3, TW.Mul(TW.Load(v + 3 * size), TW.All(scores[j + 3])));
            if (j + 4 < count)
                a4 = TW.Add(a4, TW.Mul(TW.Load(v + 4 * size), TW.All(scores[j + 4])));
            if (j + 5 < count)
                a5 = TW.Add(a5, TW.Mul(TW.Load(v + 5 * size), TW.All(scores[j + 5])));
            if (j + 6 < count)
                a6 = TW.Add(a6, TW.Mul(TW.Load(v + 6 * size), TW.All(scores[j + 6])));
            TW.Store(weighted + d, TW.Add(TW.Add(TW.Add(a0, a4), TW.Add(a2, a6)), TW.Add(TW.Add(a1, a5), TW.Add(a3, a7))));
        }

        // A head of 8 or 24 values under 512 bits.
        float* lanes = stackalloc float[8];
        for (; d < size; d++)
        {
            new Span<float>(lanes, 8).Clear();
            for (int j = 0; j < count; j++)
                lanes[j & 7] += scores[j] * values[j * size + d];
            weighted[d] = ScalarOps.Meet(lanes);
        }
    }

    /// <summary>Queries that share a reading.</summary>
    private interface IQueryCount
    {
        static abstract int Count { get; }
    }

    private readonly struct Two : IQueryCount
    {
        public static int Count => 2;
    }

    private readonly struct Three : IQueryCount
    {
        public static int Count => 3;
    }

    private readonly struct Four : IQueryCount
    {
        public static int Count => 4;
    }
}
