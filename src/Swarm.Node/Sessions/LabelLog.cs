using Google.Protobuf;
using Google.Protobuf.Collections;
using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>
/// The client's names of a session's first 16, 32, 48, … positions, as far as it gave any: they go on with rows that are sent again, and what is computed is found under them. One thread
/// at a time.
/// </summary>
internal sealed class LabelLog
{
    private const int Positions = ChainLimits.LabelPositions;

    // Empty where there is no name.
    private readonly List<ByteString> _labels = [];

    /// <summary>Puts a step's names; what was known from its position on is forgotten.</summary>
    public void Write(int position, int count, IReadOnlyList<ByteString> labels)
    {
        Truncate(position);
        if (labels.Count == 0)
            return;
        while (_labels.Count < position / Positions)
            _labels.Add(ByteString.Empty);
        _labels.AddRange(labels);
    }

    /// <summary>The name of the positions up to a multiple of 16; null where there is none.</summary>
    public ByteString? At(int end) => end / Positions <= _labels.Count && !_labels[(end / Positions) - 1].IsEmpty ? _labels[(end / Positions) - 1] : null;

    /// <summary>The names that [position, position + count) complete; none where one is missing.</summary>
    public IEnumerable<ByteString> Of(int position, int count)
    {
        int first = position / Positions;
        int names = ((position + count) / Positions) - first;
        if (names == 0 || first + names > _labels.Count)
            return [];
        List<ByteString> labels = _labels.GetRange(first, names);
        return labels.Contains(ByteString.Empty) ? [] : labels;
    }

    /// <summary>Forgets names of what reaches beyond <paramref name="end"/>.</summary>
    public void Truncate(int end)
    {
        int kept = end / Positions;
        if (kept < _labels.Count)
            _labels.RemoveRange(kept, _labels.Count - kept);
    }

    /// <summary>What is wrong with a step's names; null when nothing is.</summary>
    public static string? Check(uint position, uint count, RepeatedField<ByteString> labels)
    {
        if (labels.Count == 0)
            return null;
        ulong names = (((ulong)position + count) / Positions) - (position / Positions);
        return (ulong)labels.Count != names ? $"prefix_labels: {labels.Count}, expected none or {names} (multiples of {Positions} that the step reaches)" : CheckLengths(labels);
    }

    /// <summary>What is wrong with the names that a session is opened with; null when nothing is.</summary>
    public static string? CheckPrefix(uint maxPositions, RepeatedField<ByteString> labels)
    {
        long most = Math.Min(maxPositions / Positions, ChainLimits.MaxPrefixLabels);
        return labels.Count > most ? $"prefix_labels: {labels.Count}, expected at most {most}" : CheckLengths(labels);
    }

    private static string? CheckLengths(RepeatedField<ByteString> labels)
    {
        for (int index = 0; index < labels.Count; index++)
        {
            if (labels[index].Length != ChainLimits.LabelBytes)
                return $"prefix_labels[{index}]: {labels[index].Length} bytes, expected {ChainLimits.LabelBytes}";
        }

        return null;
    }
}
