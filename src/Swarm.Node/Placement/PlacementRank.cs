using System.Buffers.Binary;
using Swarm.Protocol;

namespace Swarm.Node.Placement;

/// <summary>Who goes first among equals: a number that everybody computes alike and nobody is always the lowest of. Lower goes first.</summary>
internal static class PlacementRank
{
    /// <summary>The rank of conflicting intents: it must be the same in every view, so it knows no time.</summary>
    public static ulong OfIntent(PeerId peer) => Of(peer, 0);

    /// <summary>The rank in the queue of those who could move; it changes with the epoch, so that a node that may not move does not keep others from it.</summary>
    public static ulong Of(PeerId peer, long epoch)
    {
        ulong state = Mix(unchecked((ulong)epoch * 0x9E3779B97F4A7C15));
        ReadOnlySpan<byte> bytes = peer.ToByteString().Span;
        for (int at = 0; at < PeerId.Length; at += 8)
            state = Mix(state ^ BinaryPrimitives.ReadUInt64BigEndian(bytes[at..]));
        return state;
    }

    // The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
