using Swarm.Kernels;

namespace Swarm.Models.Files;

/// <summary>Tensor types of GGUF with their groups' sizes, so that a file that holds them can be listed even where no kernel reads them.</summary>
internal static class GgufTypes
{
    private const int MaxNumber = 64;

    public static StoredType? Find(uint type) => type switch
    {
        0 => new("F32", WeightFormat.F32, 1, 4),
        1 => new("F16", WeightFormat.F16, 1, 2),
        2 => new("Q4_0", WeightFormat.Q4_0, 32, 18),
        3 => new("Q4_1", WeightFormat.Q4_1, 32, 20),
        6 => new("Q5_0", WeightFormat.Q5_0, 32, 22),
        7 => new("Q5_1", WeightFormat.Q5_1, 32, 24),
        8 => new("Q8_0", WeightFormat.Q8_0, 32, 34),
        9 => new("Q8_1", null, 32, 36),
        10 => new("Q2_K", WeightFormat.Q2_K, 256, 84),
        11 => new("Q3_K", WeightFormat.Q3_K, 256, 110),
        12 => new("Q4_K", WeightFormat.Q4_K, 256, 144),
        13 => new("Q5_K", WeightFormat.Q5_K, 256, 176),
        14 => new("Q6_K", WeightFormat.Q6_K, 256, 210),
        15 => new("Q8_K", null, 256, 292),
        16 => new("IQ2_XXS", null, 256, 66),
        17 => new("IQ2_XS", null, 256, 74),
        18 => new("IQ3_XXS", null, 256, 98),
        19 => new("IQ1_S", null, 256, 50),
        20 => new("IQ4_NL", WeightFormat.IQ4_NL, 32, 18),
        21 => new("IQ3_S", null, 256, 110),
        22 => new("IQ2_S", null, 256, 82),
        23 => new("IQ4_XS", WeightFormat.IQ4_XS, 256, 136),
        24 => new("I8", null, 1, 1),
        25 => new("I16", null, 1, 2),
        26 => new("I32", null, 1, 4),
        27 => new("I64", null, 1, 8),
        28 => new("F64", null, 1, 8),
        29 => new("IQ1_M", null, 256, 56),
        30 => new("BF16", WeightFormat.BF16, 1, 2),
        34 => new("TQ1_0", null, 256, 54),
        35 => new("TQ2_0", null, 256, 66),
        39 => new("MXFP4", WeightFormat.MXFP4, 32, 17),
        _ => null,
    };

    /// <summary>The type that a file calls so.</summary>
    public static StoredType? Find(string name) =>
        Enumerable.Range(0, MaxNumber + 1).Select(number => Find((uint)number)).FirstOrDefault(type => type?.Name == name);

    /// <summary>The number of the type with a kernels' format's layout.</summary>
    public static uint Number(WeightFormat format) => format switch
    {
        WeightFormat.F32 => 0,
        WeightFormat.F16 => 1,
        WeightFormat.Q4_0 => 2,
        WeightFormat.Q4_1 => 3,
        WeightFormat.Q8_0 => 8,
        WeightFormat.BF16 => 30,
        WeightFormat.Q5_0 => 6,
        WeightFormat.Q5_1 => 7,
        WeightFormat.Q2_K => 10,
        WeightFormat.Q3_K => 11,
        WeightFormat.Q4_K => 12,
        WeightFormat.Q5_K => 13,
        WeightFormat.Q6_K => 14,
        WeightFormat.IQ4_NL => 20,
        WeightFormat.IQ4_XS => 23,
        WeightFormat.MXFP4 => 39,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "not a weight format"),
    };
}
