using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>The formats of the scaled loops.</summary>
internal sealed unsafe partial class VectorOps<TW, TV>
{
    // Both quads of pairs fit int16: at most 4 · 63 · 127 = 32,004.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV TwoQuads(TV w, TV v, TV x, TV y) => TW.AddShort(TW.PairsUnsigned(w, x), TW.PairsUnsigned(v, y));

    // Two quads of signed bytes, of which one alone fills int16.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV TwoSigned(TV w, TV v, TV x, TV y, TV scale) => TW.AddInt(
        TW.MulPairs(TW.PairsSigned(w, TW.Magnitude(w), x), scale), TW.MulPairs(TW.PairsSigned(v, TW.Magnitude(v), y), scale));

    /// <summary>Q5_0: Σ(q − 16)x = Σqx − 2 · 8Σx.</summary>
    private readonly struct ScaledQ50 : IScaled
    {
        public static int HeadBytes => 32;

        public static int Groups => 1;

        public static int BodyBytes => 64 + 256;

        public static bool HasMinimum => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => 
            TW.Or(Nibbles(body + 64 + row * 4, quad), Moved(TW.Load(body + row * 4), quad, 4, 0x10101010));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Pairs(byte* body, nint row) => TW.AllInt(0x00010001);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Low(TV pairs) => pairs;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV High(TV pairs, TV low) => low;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV v, TV x, TV y, TV scale) => TW.MulPairs(TwoQuads(w, v, x, y), scale);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV v, TV x, TV y, TV scale) => TW.AddInt(sum, First(w, v, x, y, scale));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum, TV low, TV pairs, in TokenGroup input, nint token) => TW.SubInt(sum, TW.AllInt(2 * input.EightSums[token]));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV WithMinimum(TV term, TV minimum, TV scale, TV pairs, in TokenGroup input, nint token) => term;
    }

    /// <summary>Q5_1: the minimum is added, times float32(Σx) · dx.</summary>
    private readonly struct ScaledQ51 : IScaled
    {
        public static int HeadBytes => 64;

        public static int Groups => 1;

        public static int BodyBytes => 64 + 256;

        public static bool HasMinimum => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => ScaledQ50.Weights(body, row, quad);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Pairs(byte* body, nint row) => TW.AllInt(0x00010001);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Low(TV pairs) => pairs;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV High(TV pairs, TV low) => low;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV v, TV x, TV y, TV scale) => TW.MulPairs(TwoQuads(w, v, x, y), scale);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV v, TV x, TV y, TV scale) => TW.AddInt(sum, First(w, v, x, y, scale));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum, TV low, TV pairs, in TokenGroup input, nint token) => sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV WithMinimum(TV term, TV minimum, TV scale, TV pairs, in TokenGroup input, nint token) => 
            TW.Add(term, TW.Mul(minimum, TW.All(input.Shares[token])));
    }

    /// <summary>Q2_K: a byte of scale and minimum for each 16 columns.</summary>
    private readonly struct ScaledQ2K : IScaled
    {
        public static int HeadBytes => 64;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 128;

        public static bool HasMinimum => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => Moved(TW.Load(body + 32 + row * 4 + (quad >> 2) * 64), quad % 4 * 2, 0, 0x03030303);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Pairs(byte* body, nint row) => TW.LoadBytePairs(body + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Low(TV pairs) => TW.And(TW.TwiceLow(pairs), TW.AllInt(0x000F000F));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV High(TV pairs, TV low) => TW.And(TW.TwiceHigh(pairs), TW.AllInt(0x000F000F));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV v, TV x, TV y, TV scale) => TW.MulPairs(TwoQuads(w, v, x, y), scale);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV v, TV x, TV y, TV scale) => TW.AddInt(sum, First(w, v, x, y, scale));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum, TV low, TV pairs, in TokenGroup input, nint token) => sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV WithMinimum(TV term, TV minimum, TV scale, TV pairs, in TokenGroup input, nint token) => 
            TW.Sub(term, TW.Mul(TW.ToFloat(TW.MulPairs(TW.And(TW.ShiftRight(pairs, 4), TW.AllInt(0x000F000F)), TW.AllInt(input.HalfSums[token]))), TW.Mul(minimum, scale)));
    }

    /// <summary>Q3_K: Σs(q − 4)x = Σsqx − 4Σ(s Σx), the inner sums over 16 columns.</summary>
    private readonly struct ScaledQ3K : IScaled
    {
        public static int HeadBytes => 32;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 64 + 128;

        public static bool HasMinimum => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => 
            TW.Or(Moved(TW.Load(body + 96 + row * 4 + (quad >> 2) * 64), quad % 4 * 2, 0, 0x03030303), Moved(TW.Load(body + 32 + row * 4), quad, 2, 0x04040404));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Pairs(byte* body, nint row) => TW.LoadBytePairs(body + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Low(TV pairs) => TW.TwiceLow(pairs);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV High(TV pairs, TV low) => TW.TwiceHigh(pairs);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV v, TV x, TV y, TV scale) => TW.MulPairs(TwoQuads(w, v, x, y), scale);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV v, TV x, TV y, TV scale) => TW.AddInt(sum, First(w, v, x, y, scale));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum, TV low, TV pairs, in TokenGroup input, nint token) => 
            TW.SubInt(sum, TW.ShiftLeft(TW.MulPairs(pairs, TW.AllInt(input.HalfSums[token])), 2));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV WithMinimum(TV term, TV minimum, TV scale, TV pairs, in TokenGroup input, nint token) => term;
    }

    /// <summary>Q4_K: eight pair sums of at most 2 · 15 · 127 fit int16, so that the scale comes last.</summary>
    private readonly struct ScaledQ4K : IScaled
    {
        public static int HeadBytes => 64;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 256;

        public static bool HasMinimum => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => Nibbles(body + 32 + row * 4, quad);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Pairs(byte* body, nint row) => TW.LoadBytePairs(body + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Low(TV pairs) => TW.TwiceLow(pairs);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV High(TV pairs, TV low) => low;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV v, TV x, TV y, TV scale) => TwoQuads(w, v, x, y);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV v, TV x, TV y, TV scale) => TW.AddShort(TW.AddShort(sum, TW.PairsUnsigned(w, x)), TW.PairsUnsigned(v, y));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum, TV low, TV pairs, in TokenGroup input, nint token) => TW.MulPairs(sum, low);

        // The pair is scale and minimum; 8Σx · 2^13 is the pair of 0 and Σx.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV WithMinimum(TV term, TV minimum, TV scale, TV pairs, in TokenGroup input, nint token) => 
            TW.Sub(term, TW.Mul(TW.ToFloat(TW.MulPairs(pairs, TW.AllInt(input.EightSums[token] << 13))), TW.Mul(minimum, scale)));
    }

    /// <summary>Q5_K: Q4_K with a fifth bit.</summary>
    private readonly struct ScaledQ5K : IScaled
    {
        public static int HeadBytes => 64;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 64 + 256;

        public static bool HasMinimum => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => 
            TW.Or(Nibbles(body + 96 + row * 4, quad), Moved(TW.Load(body + 32 + row * 4), quad, 4, 0x10101010));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Pairs(byte* body, nint row) => TW.LoadBytePairs(body + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Low(TV pairs) => TW.TwiceLow(pairs);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV High(TV pairs, TV low) => low;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV v, TV x, TV y, TV scale) => TW.MulPairs(TwoQuads(w, v, x, y), scale);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV v, TV x, TV y, TV scale) => TW.AddInt(sum, First(w, v, x, y, scale));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum, TV low, TV pairs, in TokenGroup input, nint token) => sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV WithMinimum(TV term, TV minimum, TV scale, TV pairs, in TokenGroup input, nint token) => 
            ScaledQ4K.WithMinimum(term, minimum, scale, pairs, input, token);
    }

    /// <summary>Q6_K: Σs(q − 32)x = Σsqx − 32Σ(s Σx), the inner sums over 16 columns.</summary>
    private readonly struct ScaledQ6K : IScaled
    {
        public static int HeadBytes => 32;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 128 + 256;

        public static bool HasMinimum => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => 
            TW.Or(Nibbles(body + 160 + row * 4, quad), Moved(TW.Load(body + 32 + row * 4 + (quad >> 2) * 64), quad % 4 * 2, 4, 0x30303030));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Pairs(byte* body, nint row) => TW.LoadBytePairs(body + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Low(TV pairs) => TW.TwiceLow(pairs);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV High(TV pairs, TV low) => TW.TwiceHigh(pairs);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV v, TV x, TV y, TV scale) => TW.MulPairs(TwoQuads(w, v, x, y), scale);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV v, TV x, TV y, TV scale) => TW.AddInt(sum, First(w, v, x, y, scale));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum, TV low, TV pairs, in TokenGroup input, nint token) => 
            TW.SubInt(sum, TW.ShiftLeft(TW.MulPairs(pairs, TW.AllInt(input.HalfSums[token])), 5));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV WithMinimum(TV term, TV minimum, TV scale, TV pairs, in TokenGroup input, nint token) => term;
    }

    /// <summary>IQ4_NL: nibbles look their integers up.</summary>
    private readonly struct ScaledIQ4NL : IScaled
    {
        public static int HeadBytes => 32;

        public static int Groups => 1;

        public static int BodyBytes => 256;

        public static bool HasMinimum => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => TW.Lookup(StoredGroup.Table(WeightFormat.IQ4_NL), Nibbles(body + row * 4, quad));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Pairs(byte* body, nint row) => TW.AllInt(0x00010001);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Low(TV pairs) => pairs;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV High(TV pairs, TV low) => low;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV v, TV x, TV y, TV scale) => TwoSigned(w, v, x, y, scale);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV v, TV x, TV y, TV scale) => TW.AddInt(sum, First(w, v, x, y, scale));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum, TV low, TV pairs, in TokenGroup input, nint token) => sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV WithMinimum(TV term, TV minimum, TV scale, TV pairs, in TokenGroup input, nint token) => term;
    }

    /// <summary>IQ4_XS: the same under an integer scale.</summary>
    private readonly struct ScaledIQ4XS : IScaled
    {
        public static int HeadBytes => 32;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 256;

        public static bool HasMinimum => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => ScaledIQ4NL.Weights(body + 32, row, quad);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Pairs(byte* body, nint row) => TW.LoadBytePairs(body + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Low(TV pairs) => pairs;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV High(TV pairs, TV low) => low;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV v, TV x, TV y, TV scale) => TwoSigned(w, v, x, y, scale);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV v, TV x, TV y, TV scale) => TW.AddInt(sum, First(w, v, x, y, scale));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum, TV low, TV pairs, in TokenGroup input, nint token) => sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV WithMinimum(TV term, TV minimum, TV scale, TV pairs, in TokenGroup input, nint token) => term;
    }

    /// <summary>MXFP4: nibbles look their integers up, 12 more than they are and so unsigned; Σvx = Σ(v + 12)x − 12Σx.</summary>
    private readonly struct ScaledMXFP4 : IScaled
    {
        public static int HeadBytes => 16;

        public static int Groups => 1;

        public static int BodyBytes => 256;

        public static bool HasMinimum => false;

        // 2^(e − 127) by its bits, of e = 0 the subnormal 2^-127, halved, which is exact.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => 
            TW.Mul(TW.MaxInt(TW.ShiftLeft(TW.LoadBytes(head + row), 23), TW.AllInt(0x00400000)), TW.All(0.5f));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => TW.Lookup(TinyFloatsAboveTwelve, Nibbles(body + row * 4, quad));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Pairs(byte* body, nint row) => TW.AllInt(0x00010001);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Low(TV pairs) => pairs;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV High(TV pairs, TV low) => low;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV First(TV w, TV v, TV x, TV y, TV scale) => TW.MulPairs(TwoQuads(w, v, x, y), scale);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Next(TV sum, TV w, TV v, TV x, TV y, TV scale) => TW.AddInt(sum, First(w, v, x, y, scale));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Total(TV sum, TV low, TV pairs, in TokenGroup input, nint token) => TW.SubInt(sum, TW.AllInt(input.EightSums[token] + input.EightSums[token] / 2));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV WithMinimum(TV term, TV minimum, TV scale, TV pairs, in TokenGroup input, nint token) => term;
    }

    private static ReadOnlySpan<sbyte> TinyFloatsAboveTwelve => [12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0];
}
