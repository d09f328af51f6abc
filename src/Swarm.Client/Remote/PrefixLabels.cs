using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// Names of a session's first 16, 32, 48, … positions, from its token ids alone: the first 16 bytes of SHA-256 over (domain, the name before, 16 ids). Equal beginnings have equal names, by
/// which nodes find what an earlier session of this client left there. Its owner's lock guards it.
/// </summary>
/// <param name="ids">Gives the ids of positions that were handed to the session.</param>
internal sealed class PrefixLabels(ITokenSource ids)
{
    private const int Positions = ChainLimits.LabelPositions;

    private readonly List<ByteString> _labels = [];

    private static ReadOnlySpan<byte> Domain => "swarm prefix label 1"u8;

    /// <summary>The first names.</summary>
    public IReadOnlyList<ByteString> First(int count)
    {
        Extend(count);
        return _labels.GetRange(0, count);
    }

    /// <summary>The names that positions [position, position + count), handed over now, complete; names of what was there from the position on are forgotten.</summary>
    public IReadOnlyList<ByteString> Write(int position, int count)
    {
        int first = position / Positions;
        if (first < _labels.Count)
            _labels.RemoveRange(first, _labels.Count - first);
        Extend((position + count) / Positions);
        return Again(position, count);
    }

    /// <summary>The names that positions [position, position + count), handed over before, complete.</summary>
    public IReadOnlyList<ByteString> Again(int position, int count)
    {
        int first = position / Positions;
        int end = (position + count) / Positions;
        return first < end && end <= _labels.Count ? _labels.GetRange(first, end - first) : [];
    }

    private void Extend(int count)
    {
        Span<int> next = stackalloc int[Positions];
        Span<byte> text = stackalloc byte[Domain.Length + ChainLimits.LabelBytes + (sizeof(int) * Positions)];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Domain.CopyTo(text);
        while (_labels.Count < count)
        {
            ids.Read(_labels.Count * Positions, next);
            Span<byte> before = text.Slice(Domain.Length, ChainLimits.LabelBytes);
            before.Clear();
            if (_labels.Count > 0)
                _labels[^1].Span.CopyTo(before);
            for (int index = 0; index < Positions; index++)
                BinaryPrimitives.WriteInt32LittleEndian(text[(Domain.Length + ChainLimits.LabelBytes + (index * sizeof(int)))..], next[index]);
            SHA256.HashData(text, hash);
            _labels.Add(ByteString.CopyFrom(hash[..ChainLimits.LabelBytes]));
        }
    }
}
