using System.Globalization;

namespace Swarm.Kernels.Codecs;

/// <summary>Frequencies of the classes, of 4096 in all, in the forms that the coder reads.</summary>
internal sealed class StepTable
{
    public const int Bits = 12;

    /// <summary>Of a division by multiplication: exact for what a state is when a class with a frequency up to 2896 comes.</summary>
    public const int ReciprocalShift = 43;

    private const int Total = 1 << Bits;

    /// <param name="frequencies">Three hexadecimal digits a class, each at least 1, in all 4096.</param>
    public StepTable(string frequencies)
    {
        Slots = new uint[Total];
        Places = new Place[StepClasses.Count];
        uint start = 0;
        for (int symbol = 0; symbol < StepClasses.Count; symbol++)
        {
            uint frequency = uint.Parse(frequencies.AsSpan(symbol * 3, 3), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            Places[symbol] = new Place((((1UL << ReciprocalShift) - 1) / frequency) + 1, frequency << 20, start, Total - frequency);
            for (uint at = 0; at < frequency; at++)
                Slots[start + at] = ((uint)symbol << 24) | (at << Bits) | frequency;
            start += frequency;
        }

        if (start != Total)
            throw new InvalidOperationException($"frequencies sum to {start}, expected {Total}");
    }

    /// <summary>By a state's lowest 12 bits: class (8 bits), place within the class (12), the class's frequency (12).</summary>
    public uint[] Slots { get; }

    /// <summary>By class.</summary>
    public Place[] Places { get; }

    /// <summary>How a class goes into a state.</summary>
    /// <param name="Reciprocal">2^43 over the frequency, rounded up.</param>
    /// <param name="Limit">A state from here on gives 16 bits away first.</param>
    /// <param name="Start">Frequencies of the classes before it.</param>
    /// <param name="Rest">Frequencies of all others.</param>
    internal readonly record struct Place(ulong Reciprocal, uint Limit, uint Start, uint Rest);
}
