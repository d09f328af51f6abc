using System.Collections.Concurrent;
using System.Security.Cryptography;
using Google.Protobuf;
using Swarm.Protocol.Weights;

namespace Swarm.Protocol.Tests.Weights;

/// <summary>Blobs of a peer in memory, which can be made to lie or to break off.</summary>
internal sealed class TestBlobs : IBlobSource
{
    private readonly ConcurrentDictionary<ByteString, byte[]> _bytes = new();
    private long _served;

    /// <summary>Flips a bit of what it hands out.</summary>
    public bool Lies { get; set; }

    /// <summary>Breaks off once it has handed out so many bytes.</summary>
    public long BreaksAfter { get; set; } = long.MaxValue;

    public long ServedBytes => Interlocked.Read(ref _served);

    /// <summary>Bytes of a seed, and their hash.</summary>
    public static (ByteString Sha256, byte[] Bytes) Make(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return (ByteString.CopyFrom(SHA256.HashData(bytes)), bytes);
    }

    public TestBlobs With(ByteString sha256, byte[] bytes)
    {
        _bytes[sha256] = bytes;
        return this;
    }

    public long? Find(ByteString sha256) => _bytes.TryGetValue(sha256, out byte[]? bytes) ? bytes.Length : null;

    public bool TryRead(ByteString sha256, long offset, Span<byte> target)
    {
        if (Interlocked.Add(ref _served, target.Length) > BreaksAfter)
            throw new InvalidOperationException("this peer dies here");
        _bytes[sha256].AsSpan((int)offset, target.Length).CopyTo(target);
        if (Lies)
            target[^1] ^= 1;
        return true;
    }

    public void Release(ByteString sha256)
    {
        // Nothing is held.
    }
}
