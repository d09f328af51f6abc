namespace Swarm.Kernels;

/// <summary>How the values of a weight matrix are stored. Names and layouts are GGUF's.</summary>
public enum WeightFormat : byte
{
    /// <summary>IEEE 754 binary32.</summary>
    F32 = 0,

    /// <summary>IEEE 754 binary16.</summary>
    F16 = 1,

    /// <summary>The upper half of a binary32.</summary>
    BF16 = 2,

    /// <summary>Groups of 32: one F16 scale d, 32 signed bytes q; value = d·q.</summary>
    Q8_0 = 3,

    /// <summary>Groups of 32: one F16 scale d, 32 unsigned nibbles q; value = d·(q − 8).</summary>
    Q4_0 = 4,

    /// <summary>Groups of 32: F16 scale d and minimum m, 32 unsigned nibbles q; value = d·q + m.</summary>
    Q4_1 = 5,
}
