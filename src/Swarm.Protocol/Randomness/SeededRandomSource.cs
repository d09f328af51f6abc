using System.Buffers.Binary;

namespace Swarm.Protocol;

/// <summary>A generator that a seed reproduces (SplitMix64, Steele, Lea and Flood 2014). For tests and simulation; not secret.</summary>
public sealed class SeededRandomSource(ulong seed) : IRandomSource
{
    private readonly Lock _lock = new();
    private ulong _state = seed;

    public void Fill(Span<byte> destination)
    {
        lock (_lock)
        {
            Span<byte> word = stackalloc byte[8];
            while (destination.Length > 0)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(word, Next());
                int count = Math.Min(8, destination.Length);
                word[..count].CopyTo(destination);
                destination = destination[count..];
            }
        }
    }

    public ulong NextUInt64()
    {
        lock (_lock)
            return Next();
    }

    private ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
