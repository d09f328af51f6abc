namespace Swarm.Hub;

/// <summary>Which bytes of a file are here: ranges in order, disjoint, never touching each other.</summary>
internal sealed class RangeSet
{
    private readonly List<ByteRange> _ranges = [];

    public IReadOnlyList<ByteRange> Ranges => _ranges;

    /// <summary>Bytes in all ranges together.</summary>
    public long Length => _ranges.Sum(range => range.Length);

    /// <summary>Adds a range; what touches or overlaps becomes one.</summary>
    public void Add(ByteRange range)
    {
        if (range.Length <= 0)
            return;
        int first = _ranges.FindIndex(other => other.End >= range.Start);
        if (first < 0)
        {
            _ranges.Add(range);
            return;
        }

        int end = first;
        while (end < _ranges.Count && _ranges[end].Start <= range.End)
        {
            range = new ByteRange(Math.Min(range.Start, _ranges[end].Start), Math.Max(range.End, _ranges[end].End));
            end++;
        }

        _ranges.RemoveRange(first, end - first);
        _ranges.Insert(first, range);
    }

    /// <summary>Takes a range out, where it is here.</summary>
    public void Remove(ByteRange range)
    {
        ByteRange[] before = [.. _ranges];
        _ranges.Clear();
        foreach (ByteRange one in before)
        {
            Add(new ByteRange(one.Start, Math.Min(one.End, range.Start)));
            Add(new ByteRange(Math.Max(one.Start, range.End), one.End));
        }
    }

    /// <summary>True where every byte of the range is here.</summary>
    public bool Contains(ByteRange range) => range.Length <= 0 || _ranges.Any(other => other.Start <= range.Start && other.End >= range.End);

    /// <summary>What of the range is not here, in order.</summary>
    public List<ByteRange> Missing(ByteRange range)
    {
        List<ByteRange> missing = [];
        long at = range.Start;
        foreach (ByteRange here in _ranges)
        {
            if (here.End <= at)
                continue;
            if (here.Start >= range.End)
                break;
            if (here.Start > at)
                missing.Add(new ByteRange(at, here.Start));
            at = here.End;
        }

        if (at < range.End)
            missing.Add(new ByteRange(at, range.End));
        return missing;
    }
}
