using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Swarm.Kernels.Codecs;

/// <summary>
/// rANS (J. Duda, arXiv:1311.2540) with four states of 32 bits in turn, each at least 2^16, that give away and take 16 bits at a time. Value i belongs to state i mod 4. A state
/// starts from 2^16 + 16 bits that somebody wants to send, so that its start costs nothing.
/// </summary>
internal static unsafe class RangeCoder
{
    public const int States = 4;
    public const uint Least = 1 << 16;

    /// <summary>Codes classes from the last to the first.</summary>
    /// <param name="table">Their frequencies.</param>
    /// <param name="symbols">The classes.</param>
    /// <param name="states">In: what they start from. Out: what a decoder starts from.</param>
    /// <param name="words">Filled from its end, in the order in which a decoder takes them; one more than there are classes.</param>
    /// <returns>Words written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Encode(StepTable table, ReadOnlySpan<byte> symbols, Span<uint> states, Span<ushort> words)
    {
        fixed (StepTable.Place* places = table.Places)
        fixed (byte* symbol = symbols)
        fixed (ushort* first = words)
        {
            ushort* end = first + words.Length;
            ushort* next = end;
            int index = symbols.Length;
            while (index % States != 0)
            {
                index--;
                states[index % States] = Put(states[index % States], places + symbol[index], ref next);
            }

            uint a = states[0], b = states[1], c = states[2], d = states[3];
            while (index > 0)
            {
                index -= States;
                d = Put(d, places + symbol[index + 3], ref next);
                c = Put(c, places + symbol[index + 2], ref next);
                b = Put(b, places + symbol[index + 1], ref next);
                a = Put(a, places + symbol[index], ref next);
            }

            (states[0], states[1], states[2], states[3]) = (a, b, c, d);
            return (int)(end - next);
        }
    }

    /// <summary>Decodes classes from the first to the last.</summary>
    /// <param name="table">Their frequencies.</param>
    /// <param name="states">Each at least 2^16. Out: what the encoder started from, when all was sound.</param>
    /// <param name="words">Words, little-endian, and what may follow them.</param>
    /// <param name="symbols">The classes.</param>
    /// <returns>Bytes that the words took; −1 when there were too few.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Decode(StepTable table, Span<uint> states, ReadOnlySpan<byte> words, Span<byte> symbols)
    {
        fixed (uint* slots = table.Slots)
        fixed (byte* symbol = symbols)
        fixed (byte* first = words)
        {
            byte* next = first;
            byte* end = first + words.Length;
            int index = 0;
            uint a = states[0], b = states[1], c = states[2], d = states[3];
            for (; index + States <= symbols.Length && end - next >= States * sizeof(ushort); index += States)
            {
                a = Take(a, slots, symbol + index, ref next);
                b = Take(b, slots, symbol + index + 1, ref next);
                c = Take(c, slots, symbol + index + 2, ref next);
                d = Take(d, slots, symbol + index + 3, ref next);
            }

            (states[0], states[1], states[2], states[3]) = (a, b, c, d);

            // Few bytes are left, or few values: no word is read that is not needed.
            for (; index < symbols.Length; index++)
            {
                uint state = states[index % States];
                uint slot = slots[state & 0xFFF];
                symbol[index] = (byte)(slot >> 24);
                state = Advance(state, slot);
                if (state < Least)
                {
                    if (end - next < sizeof(ushort))
                        return -1;
                    state = (state << 16) | Word(next);
                    next += sizeof(ushort);
                }

                states[index % States] = state;
            }

            return (int)(next - first);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Put(uint state, StepTable.Place* place, ref ushort* next)
    {
        int full = state >= place->Limit ? 1 : 0;
        *(next - 1) = (ushort)state;
        next -= full;
        state >>= full << 4;
        uint quotient = (uint)((state * place->Reciprocal) >> StepTable.ReciprocalShift);
        return state + place->Start + (quotient * place->Rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Take(uint state, uint* slots, byte* symbol, ref byte* next)
    {
        uint slot = slots[state & 0xFFF];
        *symbol = (byte)(slot >> 24);
        state = Advance(state, slot);
        int low = state < Least ? 1 : 0;
        state = (state << (low << 4)) | (Word(next) & (uint)-low);
        next += low << 1;
        return state;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Advance(uint state, uint slot) => ((slot & 0xFFF) * (state >> StepTable.Bits)) + ((slot >> StepTable.Bits) & 0xFFF);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Word(byte* at)
    {
        ushort word = Unsafe.ReadUnaligned<ushort>(at);
        return BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);
    }
}
