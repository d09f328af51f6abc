using System.Runtime.InteropServices;
using Google.Protobuf.Collections;

namespace Swarm.Node.SwarmEnds;

/// <summary>A session's token ids by position: what the last hop's penalty looks back at, and what travels on with replayed rows. One thread at a time.</summary>
internal sealed class TokenLog
{
    private readonly List<int> _ids = [];

    /// <summary>Positions [0, Length) are known.</summary>
    public int Length => _ids.Count;

    /// <summary>The ids of positions [0, end).</summary>
    public ReadOnlySpan<int> Until(int end) => CollectionsMarshal.AsSpan(_ids)[..end];

    /// <summary>Puts a step's ids at its position, at most <see cref="Length"/>; what was known from there on is forgotten.</summary>
    public void Write(int position, RepeatedField<uint> ids)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, _ids.Count);
        Truncate(position);
        foreach (uint id in ids)
            _ids.Add((int)id);
    }

    /// <summary>Adds ids at the end.</summary>
    public void Append(ReadOnlySpan<int> ids) => _ids.AddRange(ids);

    /// <summary>The ids of [position, position + count), as they travel.</summary>
    public RepeatedField<uint> Copy(int position, int count)
    {
        var ids = new RepeatedField<uint> { Capacity = count };
        foreach (int id in CollectionsMarshal.AsSpan(_ids).Slice(position, count))
            ids.Add((uint)id);
        return ids;
    }

    /// <summary>Forgets positions from <paramref name="end"/> on.</summary>
    public void Truncate(int end)
    {
        if (end < _ids.Count)
            _ids.RemoveRange(end, _ids.Count - end);
    }
}
