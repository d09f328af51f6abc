using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Swarm.Protocol;

/// <summary>The operating system's cryptographic generator.</summary>
public sealed class SystemRandomSource : IRandomSource
{
    public static SystemRandomSource Instance { get; } = new();

    public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);

    public ulong NextUInt64()
    {
        ulong value = 0;
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(new Span<ulong>(ref value)));
        return value;
    }
}
