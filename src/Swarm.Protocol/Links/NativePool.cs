using System.Numerics;
using System.Runtime.InteropServices;

namespace Swarm.Protocol.Links;

/// <summary>
/// Native memory in powers of two, kept for reuse up to a bound. Hidden states live here: as managed arrays they would go to the
/// large-object heap and stay there.
/// </summary>
public static class NativePool
{
    private const int SmallestShift = 12;
    private const int LargestKeptShift = 22;
    private const int KeptPerSize = 8;

    // By size; each is its own lock.
    private static readonly Stack<nint>[] Kept = MakeStacks();

    /// <summary>At least so many bytes, aligned to 64; their content is arbitrary.</summary>
    internal static unsafe nint Rent(long bytes)
    {
        int shift = Shift(bytes);
        if (shift <= LargestKeptShift)
        {
            Stack<nint> stack = Kept[shift - SmallestShift];
            lock (stack)
            {
                if (stack.TryPop(out nint kept))
                    return kept;
            }
        }

        return (nint)NativeMemory.AlignedAlloc((nuint)1 << shift, 64);
    }

    /// <summary>Gives back what was rented with the same size.</summary>
    internal static unsafe void Return(nint address, long bytes)
    {
        int shift = Shift(bytes);
        if (shift <= LargestKeptShift)
        {
            Stack<nint> stack = Kept[shift - SmallestShift];
            lock (stack)
            {
                if (stack.Count < KeptPerSize)
                {
                    stack.Push(address);
                    return;
                }
            }
        }

        NativeMemory.AlignedFree((void*)address);
    }

    private static int Shift(long bytes) => Math.Max(SmallestShift, BitOperations.Log2((ulong)Math.Max(1, bytes - 1)) + 1);

    private static Stack<nint>[] MakeStacks()
    {
        var stacks = new Stack<nint>[LargestKeptShift - SmallestShift + 1];
        for (int index = 0; index < stacks.Length; index++)
            stacks[index] = new Stack<nint>(KeptPerSize);
        return stacks;
    }
}
