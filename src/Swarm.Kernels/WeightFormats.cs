using Swarm.Kernels.Cpu;

namespace Swarm.Kernels;

/// <summary>Sizes of the stored form of each <see cref="WeightFormat"/>.</summary>
public static class WeightFormats
{
    /// <summary>The format's name in options and reports: GGUF's in small letters, such as f32, q8_0 or q4_k.</summary>
    public static string Name(WeightFormat format) => format switch
    {
        WeightFormat.F32 => "f32",
        WeightFormat.F16 => "f16",
        WeightFormat.BF16 => "bf16",
        WeightFormat.Q8_0 => "q8_0",
        WeightFormat.Q4_0 => "q4_0",
        WeightFormat.Q4_1 => "q4_1",
        WeightFormat.Q5_0 => "q5_0",
        WeightFormat.Q5_1 => "q5_1",
        WeightFormat.Q2_K => "q2_k",
        WeightFormat.Q3_K => "q3_k",
        WeightFormat.Q4_K => "q4_k",
        WeightFormat.Q5_K => "q5_k",
        WeightFormat.Q6_K => "q6_k",
        WeightFormat.IQ4_NL => "iq4_nl",
        WeightFormat.IQ4_XS => "iq4_xs",
        WeightFormat.MXFP4 => "mxfp4",
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "not a weight format"),
    };

    /// <summary>The format of that name, in letters of either size.</summary>
    public static bool TryParse(string name, out WeightFormat format)
    {
        foreach (WeightFormat candidate in Enum.GetValues<WeightFormat>())
        {
            format = candidate;
            if (string.Equals(name, Name(candidate), StringComparison.OrdinalIgnoreCase))
                return true;
        }

        format = default;
        return false;
    }

    /// <summary>Values that share a scale; 1 where there is none.</summary>
    public static int GroupLength(WeightFormat format) => format switch
    {
        WeightFormat.F32 or WeightFormat.F16 or WeightFormat.BF16 => 1,
        WeightFormat.Q8_0 or WeightFormat.Q4_0 or WeightFormat.Q4_1 or WeightFormat.Q5_0 or WeightFormat.Q5_1 or WeightFormat.IQ4_NL or WeightFormat.MXFP4 => 32,
        WeightFormat.Q2_K or WeightFormat.Q3_K or WeightFormat.Q4_K or WeightFormat.Q5_K or WeightFormat.Q6_K or WeightFormat.IQ4_XS => 256,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "not a weight format"),
    };

    /// <summary>Bytes of one group as GGUF stores it.</summary>
    public static int GroupBytes(WeightFormat format) => format switch
    {
        WeightFormat.F32 => 4,
        WeightFormat.F16 or WeightFormat.BF16 => 2,
        WeightFormat.Q8_0 => 34,
        WeightFormat.Q4_0 => 18,
        WeightFormat.Q4_1 => 20,
        WeightFormat.Q5_0 => 22,
        WeightFormat.Q5_1 => 24,
        WeightFormat.Q2_K => 84,
        WeightFormat.Q3_K => 110,
        WeightFormat.Q4_K => 144,
        WeightFormat.Q5_K => 176,
        WeightFormat.Q6_K => 210,
        WeightFormat.IQ4_NL => 18,
        WeightFormat.IQ4_XS => 136,
        WeightFormat.MXFP4 => 17,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "not a weight format"),
    };

    /// <summary>Bytes of a stored row of <paramref name="columns"/> values.</summary>
    /// <exception cref="ArgumentException">The columns are not a whole number of groups.</exception>
    public static long RowBytes(WeightFormat format, int columns)
    {
        int group = GroupLength(format);
        if (columns <= 0 || columns % group != 0)
            throw new ArgumentException($"columns = {columns}, expected a positive multiple of {group} for {format}", nameof(columns));
        return (long)(columns / group) * GroupBytes(format);
    }

    /// <summary>Bytes that a packed matrix of canonical-1 takes: as stored, but for integer scales of 6 bits, which take 8 or 16. Rows that fill up the last tile are left out.</summary>
    /// <exception cref="ArgumentException">The columns are not a whole number of groups.</exception>
    public static long HeldBytes(WeightFormat format, long rows, int columns)
    {
        long row = RowBytes(format, columns);
        return rows * (GroupLength(format) == 1 ? row : TileLayout.Of(format).HeadOffset(columns / 32) / TileMatrix.TileRows);
    }
}
