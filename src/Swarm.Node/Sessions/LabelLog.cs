using Google.Protobuf;
using Google.Protobuf.Collections;
using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>The client's names of a session's pages, as far as it gave any: they go on with rows that are sent again. One thread at a time.</summary>
internal sealed class LabelLog
{
    // Empty where a page has no name.
    private readonly List<ByteString> _labels = [];

    /// <summary>Puts a step's names; what was known from its position on is forgotten.</summary>
    public void Write(int position, int count, RepeatedField<ByteString> labels)
    {
        Truncate(position);
        if (labels.Count == 0)
            return;
        while (_labels.Count < position / ChainLimits.PagePositions)
            _labels.Add(ByteString.Empty);
        _labels.AddRange(labels);
    }

    /// <summary>The names of the pages that [position, position + count) complete; none where one has none.</summary>
    public IEnumerable<ByteString> Of(int position, int count)
    {
        int first = position / ChainLimits.PagePositions;
        int pages = ((position + count) / ChainLimits.PagePositions) - first;
        if (pages == 0 || first + pages > _labels.Count)
            return [];
        List<ByteString> labels = _labels.GetRange(first, pages);
        return labels.Contains(ByteString.Empty) ? [] : labels;
    }

    /// <summary>Forgets pages that reach beyond <paramref name="end"/>.</summary>
    public void Truncate(int end)
    {
        int kept = end / ChainLimits.PagePositions;
        if (kept < _labels.Count)
            _labels.RemoveRange(kept, _labels.Count - kept);
    }

    /// <summary>What is wrong with a step's names; null when nothing is.</summary>
    public static string? Check(uint position, uint count, RepeatedField<ByteString> labels)
    {
        if (labels.Count == 0)
            return null;
        ulong pages = (((ulong)position + count) / ChainLimits.PagePositions) - (position / ChainLimits.PagePositions);
        return (ulong)labels.Count != pages ? $"page_labels: {labels.Count}, expected none or {pages} (pages that are full with the step)" : CheckLengths("page_labels", labels);
    }

    /// <summary>What is wrong with the names that a session is opened with; null when nothing is.</summary>
    public static string? CheckPrefix(uint maxPositions, RepeatedField<ByteString> labels)
    {
        long most = Math.Min(maxPositions / ChainLimits.PagePositions, ChainLimits.MaxPrefixLabels);
        return labels.Count > most ? $"prefix_labels: {labels.Count}, expected at most {most}" : CheckLengths("prefix_labels", labels);
    }

    private static string? CheckLengths(string field, RepeatedField<ByteString> labels)
    {
        for (int index = 0; index < labels.Count; index++)
        {
            if (labels[index].Length != ChainLimits.PageLabelBytes)
                return $"{field}[{index}]: {labels[index].Length} bytes, expected {ChainLimits.PageLabelBytes}";
        }

        return null;
    }
}
