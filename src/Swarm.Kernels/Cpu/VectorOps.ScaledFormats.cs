using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Cpu;

/// <summary>The formats of the scaled loops.</summary>
internal sealed unsafe partial class VectorOps<TW, TV>
{
    /// <summary>Q5_0: the offset is 16.</summary>
    private readonly struct ScaledQ50 : IScaled
    {
        public static int HeadBytes => 32;

        public static int Groups => 1;

        public static int BodyBytes => 64 + 256;

        public static int Quads => 4;

        public static ScaledMinimums Minimums => ScaledMinimums.Offset;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => 
            TW.Or(Nibbles(body + 64 + row * 4, quad), Moved(TW.Load(body + row * 4), quad, 4, 0x10101010));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Scales(byte* body, nint row, out TV low, out TV high, out TV less) => Ones(16, out low, out high, out less);
    }

    /// <summary>Q5_1.</summary>
    private readonly struct ScaledQ51 : IScaled
    {
        public static int HeadBytes => 64;

        public static int Groups => 1;

        public static int BodyBytes => 64 + 256;

        public static int Quads => 4;

        public static ScaledMinimums Minimums => ScaledMinimums.Float;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => ScaledQ50.Weights(body, row, quad);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Scales(byte* body, nint row, out TV low, out TV high, out TV less) => Ones(0, out low, out high, out less);
    }

    /// <summary>Q2_K: a byte of scale and minimum for each 16 columns.</summary>
    private readonly struct ScaledQ2K : IScaled
    {
        public static int HeadBytes => 64;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 128;

        public static int Quads => 4;

        public static ScaledMinimums Minimums => ScaledMinimums.Integer;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => Moved(TW.Load(body + 32 + row * 4 + (quad >> 2) * 64), quad % 4 * 2, 0, 0x03030303);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Scales(byte* body, nint row, out TV low, out TV high, out TV less)
        {
            TV both = TW.LoadBytePairs(body + row * 2), scales = TW.And(both, TW.AllInt(0x000F000F));
            (low, high, less) = (TW.TwiceLow(scales), TW.TwiceHigh(scales), TW.And(TW.ShiftRight(both, 4), TW.AllInt(0x000F000F)));
        }
    }

    /// <summary>Q3_K: the offset is 4.</summary>
    private readonly struct ScaledQ3K : IScaled
    {
        public static int HeadBytes => 32;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 64 + 128;

        public static int Quads => 4;

        public static ScaledMinimums Minimums => ScaledMinimums.Offset;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => 
            TW.Or(Moved(TW.Load(body + 96 + row * 4 + (quad >> 2) * 64), quad % 4 * 2, 0, 0x03030303), Moved(TW.Load(body + 32 + row * 4), quad, 2, 0x04040404));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Scales(byte* body, nint row, out TV low, out TV high, out TV less) => Split(body, row, 2, out low, out high, out less);
    }

    /// <summary>Q4_K.</summary>
    private readonly struct ScaledQ4K : IScaled
    {
        public static int HeadBytes => 64;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 256;

        public static int Quads => 8;

        public static ScaledMinimums Minimums => ScaledMinimums.Integer;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => Nibbles(body + 32 + row * 4, quad);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Scales(byte* body, nint row, out TV low, out TV high, out TV less) => Beside(body, row, out low, out high, out less);
    }

    /// <summary>Q5_K.</summary>
    private readonly struct ScaledQ5K : IScaled
    {
        public static int HeadBytes => 64;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 64 + 256;

        public static int Quads => 4;

        public static ScaledMinimums Minimums => ScaledMinimums.Integer;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => 
            TW.Or(Nibbles(body + 96 + row * 4, quad), Moved(TW.Load(body + 32 + row * 4), quad, 4, 0x10101010));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Scales(byte* body, nint row, out TV low, out TV high, out TV less) => Beside(body, row, out low, out high, out less);
    }

    /// <summary>Q6_K: the offset is 32.</summary>
    private readonly struct ScaledQ6K : IScaled
    {
        public static int HeadBytes => 32;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 128 + 256;

        public static int Quads => 2;

        public static ScaledMinimums Minimums => ScaledMinimums.Offset;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => 
            TW.Or(Nibbles(body + 160 + row * 4, quad), Moved(TW.Load(body + 32 + row * 4 + (quad >> 2) * 64), quad % 4 * 2, 4, 0x30303030));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Scales(byte* body, nint row, out TV low, out TV high, out TV less) => Split(body, row, 5, out low, out high, out less);
    }

    /// <summary>IQ4_NL: nibbles look their integers up.</summary>
    private readonly struct ScaledIQ4NL : IScaled
    {
        public static int HeadBytes => 32;

        public static int Groups => 1;

        public static int BodyBytes => 256;

        public static int Quads => 1;

        public static ScaledMinimums Minimums => ScaledMinimums.None;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => TW.Lookup(StoredGroup.Table(WeightFormat.IQ4_NL), Nibbles(body + row * 4, quad));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Scales(byte* body, nint row, out TV low, out TV high, out TV less) => Ones(0, out low, out high, out less);
    }

    /// <summary>IQ4_XS: the same under an integer scale.</summary>
    private readonly struct ScaledIQ4XS : IScaled
    {
        public static int HeadBytes => 32;

        public static int Groups => 8;

        public static int BodyBytes => 32 + 256;

        public static int Quads => 1;

        public static ScaledMinimums Minimums => ScaledMinimums.None;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => Halves(head + row * 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => ScaledIQ4NL.Weights(body + 32, row, quad);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Scales(byte* body, nint row, out TV low, out TV high, out TV less) => Split(body, row, 0, out low, out high, out less);
    }

    /// <summary>MXFP4: nibbles look their integers up, 12 more than they are and so unsigned. A scale is 2^(e − 127) by its bits, of e = 0 the subnormal 2^-127, halved, which is exact.</summary>
    private readonly struct ScaledMXFP4 : IScaled
    {
        public static int HeadBytes => 16;

        public static int Groups => 1;

        public static int BodyBytes => 256;

        public static int Quads => 4;

        public static ScaledMinimums Minimums => ScaledMinimums.Offset;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV HeadScale(byte* head, nint row) => 
            TW.Mul(TW.MaxInt(TW.ShiftLeft(TW.LoadBytes(head + row), 23), TW.AllInt(0x00400000)), TW.All(0.5f));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Weights(byte* body, nint row, int quad) => TW.Lookup(TinyFloatsAboveTwelve, Nibbles(body + row * 4, quad));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Scales(byte* body, nint row, out TV low, out TV high, out TV less) => Ones(12, out low, out high, out less);
    }

    private static ReadOnlySpan<sbyte> TinyFloatsAboveTwelve => [12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0];

    // No integer scales; an offset.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ones(int offset, out TV low, out TV high, out TV less)
    {
        low = high = TW.AllInt(0x00010001);
        less = TW.AllInt(0x00010001 * offset);
    }

    // Signed bytes: the first columns' scale, then the second columns'; an offset that is a power of two.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(byte* body, nint row, int offsetBits, out TV low, out TV high, out TV less)
    {
        TV pairs = TW.LoadBytePairs(body + row * 2);
        (low, high) = (TW.TwiceLow(pairs), TW.TwiceHigh(pairs));
        less = TW.ShiftShorts(pairs, offsetBits);
    }

    // Bytes of at most 63: scale, then minimum, of all columns.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Beside(byte* body, nint row, out TV low, out TV high, out TV less)
    {
        TV pairs = TW.LoadBytePairs(body + row * 2);
        low = high = TW.TwiceLow(pairs);
        less = TW.TwiceHigh(pairs);
    }
}
