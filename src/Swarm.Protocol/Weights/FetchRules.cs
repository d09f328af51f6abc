using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Weights;

/// <summary>What a request and its answer must satisfy.</summary>
internal static class FetchRules
{
    /// <summary>Null when the request is sound; otherwise field, value and limit.</summary>
    public static string? Check(FetchRequest request)
    {
        if (request.Ranges.Count is 0 or > WeightsLimits.MaxRanges)
            return $"ranges: {request.Ranges.Count}, expected 1 to {WeightsLimits.MaxRanges}";
        ulong bytes = 0;
        for (int i = 0; i < request.Ranges.Count; i++)
        {
            BlobRange range = request.Ranges[i];
            if (range.Sha256.Length != PeerId.Length)
                return $"sha256 of range {i}: {range.Sha256.Length} bytes, expected {PeerId.Length}";
            if (range.Offset > WeightsLimits.MaxBlobBytes)
                return $"offset of range {i}: {range.Offset}, expected at most {WeightsLimits.MaxBlobBytes}";
            if (range.Length is 0 or > WeightsLimits.MaxRequestBytes)
                return $"length of range {i}: {range.Length}, expected 1 to {WeightsLimits.MaxRequestBytes}";
            bytes += range.Length;
        }

        return bytes > WeightsLimits.MaxRequestBytes ? $"ranges: {bytes} bytes together, expected at most {WeightsLimits.MaxRequestBytes}" : null;
    }

    /// <summary>Null when a part may follow what has come of the answer; otherwise what is wrong with it.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="part">What came.</param>
    /// <param name="range">The range that the part before was of.</param>
    /// <param name="received">Bytes that came of that range.</param>
    public static string? Check(FetchRequest request, FetchPart part, int range, long received)
    {
        if (part.Range >= request.Ranges.Count || part.Range < range)
            return $"range: {part.Range}, expected {range} to {request.Ranges.Count - 1}";
        if (part.Fault is not null)
            return part.Data.IsEmpty ? null : $"data: {part.Data.Length} bytes beside a fault, expected none";
        if (part.Data.Length is 0 or > WeightsLimits.MaxPartBytes)
            return $"data: {part.Data.Length} bytes, expected 1 to {WeightsLimits.MaxPartBytes}";
        long before = part.Range == range ? received : 0;
        BlobRange asked = request.Ranges[(int)part.Range];
        ulong wanted = Math.Min(asked.Length, part.TotalBytes <= asked.Offset ? 0 : part.TotalBytes - asked.Offset);
        return (ulong)(before + part.Data.Length) > wanted ? $"data: {before + part.Data.Length} bytes of range {part.Range}, expected {wanted}" : null;
    }
}
