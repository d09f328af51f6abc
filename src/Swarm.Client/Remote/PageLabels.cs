using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>
/// Names of a session's full pages of positions, from its token ids alone: the first 16 bytes of SHA-256 over (domain, name of the page before, 64 ids). Equal beginnings have equal names,
/// by which nodes find what an earlier session of this client left there. Its owner's lock guards it.
/// </summary>
/// <param name="ids">Gives the ids of positions that were handed to the session.</param>
internal sealed class PageLabels(ITokenSource ids)
{
    private readonly List<ByteString> _labels = [];

    private static ReadOnlySpan<byte> Domain => "swarm page label 1"u8;

    /// <summary>The names of pages [0, count).</summary>
    public IReadOnlyList<ByteString> First(int count)
    {
        Extend(count);
        return _labels.GetRange(0, count);
    }

    /// <summary>The names of the pages that positions [position, position + count), handed over now, complete; names of what was there from the position on are forgotten.</summary>
    public IReadOnlyList<ByteString> Write(int position, int count)
    {
        int first = position / ChainLimits.PagePositions;
        if (first < _labels.Count)
            _labels.RemoveRange(first, _labels.Count - first);
        Extend((position + count) / ChainLimits.PagePositions);
        return Again(position, count);
    }

    /// <summary>The names of the pages that positions [position, position + count), handed over before, complete.</summary>
    public IReadOnlyList<ByteString> Again(int position, int count)
    {
        int first = position / ChainLimits.PagePositions;
        int end = (position + count) / ChainLimits.PagePositions;
        return first < end && end <= _labels.Count ? _labels.GetRange(first, end - first) : [];
    }

    private void Extend(int count)
    {
        const int words = ChainLimits.PagePositions;
        Span<int> page = stackalloc int[words];
        Span<byte> text = stackalloc byte[Domain.Length + ChainLimits.PageLabelBytes + (sizeof(int) * words)];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Domain.CopyTo(text);
        while (_labels.Count < count)
        {
            ids.Read(_labels.Count * words, page);
            Span<byte> before = text.Slice(Domain.Length, ChainLimits.PageLabelBytes);
            before.Clear();
            if (_labels.Count > 0)
                _labels[^1].Span.CopyTo(before);
            for (int index = 0; index < words; index++)
                BinaryPrimitives.WriteInt32LittleEndian(text[(Domain.Length + ChainLimits.PageLabelBytes + (index * sizeof(int)))..], page[index]);
            SHA256.HashData(text, hash);
            _labels.Add(ByteString.CopyFrom(hash[..ChainLimits.PageLabelBytes]));
        }
    }
}
