namespace Swarm.Kernels;

/// <summary>Sizes of the stored form of each <see cref="WeightFormat"/>.</summary>
public static class WeightFormats
{
    /// <summary>The format's name in options and reports: f32, f16, bf16, q8_0, q4_0, q4_1.</summary>
    public static string Name(WeightFormat format) => format switch
    {
        WeightFormat.F32 => "f32",
        WeightFormat.F16 => "f16",
        WeightFormat.BF16 => "bf16",
        WeightFormat.Q8_0 => "q8_0",
        WeightFormat.Q4_0 => "q4_0",
        WeightFormat.Q4_1 => "q4_1",
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "not a weight format"),
    };

    /// <summary>Values that share a scale; 1 where there is none.</summary>
    public static int GroupLength(WeightFormat format) => format switch
    {
        WeightFormat.F32 or WeightFormat.F16 or WeightFormat.BF16 => 1,
        WeightFormat.Q8_0 or WeightFormat.Q4_0 or WeightFormat.Q4_1 => 32,
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
}
