using System.Numerics;

namespace Swarm.Kernels.Codecs;

/// <summary>
/// How the integers of a <see cref="StepCodec"/> are told apart: a class, which is entropy coded, and the rest of the magnitude with the sign, which are sent as they are.
/// Magnitudes 0…7 are a class each (0…7), an octave 2^e of 8…255 is divided in eight (8…47), and from 256 on it is one (48…67), whose members have 12 significant bits.
/// </summary>
internal static class StepClasses
{
    public const int Count = 68;

    /// <summary>Magnitudes from here on are rare: their octaves are not divided.</summary>
    public const int Large = 256;

    /// <summary>The class of <see cref="Large"/>.</summary>
    public const int FirstLarge = 48;

    /// <summary>The largest magnitude: 12 significant bits in the last octave.</summary>
    public const int Largest = 0xFFF << 16;

    /// <summary>Most bits of a value that are sent as they are.</summary>
    public const int MostRawBits = SignificantBits + 1;

    private const int SignificantBits = 11;
    private const int FirstLargeOctave = 8;

    /// <summary>By class: the least magnitude in its upper 32 bits, then how far the bits between are shifted (8 bits), then their number with the sign's (8 bits).</summary>
    public static readonly ulong[] Members = MakeMembers();

    /// <summary>By magnitude below <see cref="Large"/>: raw bits above the class.</summary>
    public static readonly ushort[] Small = MakeSmall();

    /// <summary>The class of a large magnitude, and what is sent beside it with the sign's bit lowest.</summary>
    public static (int Class, uint Raw, int Bits) OfLarge(uint magnitude, uint sign)
    {
        int octave = BitOperations.Log2(magnitude);
        int bits = Math.Min(octave, SignificantBits);
        uint rest = (magnitude >> (octave - bits)) & ((1u << bits) - 1);
        return (FirstLarge + octave - FirstLargeOctave, (rest << 1) | sign, bits + 1);
    }

    private static ulong[] MakeMembers()
    {
        var members = new ulong[Count];
        for (int symbol = 0; symbol < Count; symbol++)
        {
            (int least, int between, int shift) = symbol switch
            {
                0 => (0, -1, 0),
                < 8 => (symbol, 0, 0),
                < FirstLarge => ((8 + (symbol & 7)) << ((symbol >> 3) - 1), (symbol >> 3) - 1, 0),
                _ => Octave(symbol - FirstLarge + FirstLargeOctave),
            };
            members[symbol] = ((ulong)(uint)least << 32) | ((ulong)shift << 8) | (uint)(between + 1);
        }

        return members;

        static (int Least, int Between, int Shift) Octave(int octave)
        {
            int bits = Math.Min(octave, SignificantBits);
            return (1 << octave, bits, octave - bits);
        }
    }

    private static ushort[] MakeSmall()
    {
        var small = new ushort[Large];
        for (int symbol = 0; symbol < FirstLarge; symbol++)
        {
            int least = (int)(Members[symbol] >> 32);
            int bits = (int)(Members[symbol] & 0xFF);
            for (int member = 0; member < 1 << Math.Max(0, bits - 1); member++)
                small[least + member] = (ushort)((bits << 8) | symbol);
        }

        return small;
    }
}
