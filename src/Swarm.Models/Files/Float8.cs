namespace Swarm.Models.Files;

/// <summary>One of the two forms of 8-bit floats (arXiv 2209.05433). Every value of both is one of F16, exactly.</summary>
internal sealed class Float8
{
    /// <summary>Four bits of exponent, three of fraction; no infinities, and NaN is all ones ("fn").</summary>
    private static readonly Float8 FourThree = new(HalfOfFourThree);

    /// <summary>Five bits of exponent, two of fraction: the upper byte of an F16.</summary>
    private static readonly Float8 FiveTwo = new(bits => (ushort)(bits << 8));

    private readonly ushort[] _halves = new ushort[256];
    private readonly float[] _values = new float[256];

    private Float8(Func<byte, ushort> half)
    {
        for (int bits = 0; bits < 256; bits++)
        {
            _halves[bits] = half((byte)bits);
            _values[bits] = (float)BitConverter.UInt16BitsToHalf(_halves[bits]);
        }
    }

    /// <summary>Bits of the F16 of the same value, by the stored byte.</summary>
    public ReadOnlySpan<ushort> Halves => _halves;

    /// <summary>The values in float32, by the stored byte.</summary>
    public ReadOnlySpan<float> Values => _values;

    /// <summary>The form by a file's word for it; null where the word is for something else.</summary>
    public static Float8? Find(string storedType) => storedType switch
    {
        "F8_E4M3" => FourThree,
        "F8_E5M2" => FiveTwo,
        _ => null,
    };

    private static ushort HalfOfFourThree(byte bits)
    {
        int sign = (bits & 0x80) << 8;
        int exponent = (bits >> 3) & 15;
        int fraction = bits & 7;
        if (exponent == 15 && fraction == 7)
            return (ushort)(sign | 0x7E00);

        // The biases are 7 and 15; what has no exponent is a multiple of 2^-9.
        return exponent > 0
            ? (ushort)(sign | ((exponent + 8) << 10) | (fraction << 7))
            : (ushort)(sign | BitConverter.HalfToUInt16Bits((Half)(fraction / 512f)));
    }
}
