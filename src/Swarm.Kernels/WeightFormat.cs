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

    /// <summary>Groups of 32: F16 scale d, 32 unsigned quanta q of 5 bits; value = d·(q − 16).</summary>
    Q5_0 = 6,

    /// <summary>Groups of 32: F16 scale d and minimum m, 32 unsigned quanta q of 5 bits; value = d·q + m.</summary>
    Q5_1 = 7,

    /// <summary>Groups of 256: F16 scale d and minimum e; for each 16 a scale s and a minimum m of 4 bits; quanta of 2 bits; value = d·s·q − e·m.</summary>
    Q2_K = 8,

    /// <summary>Groups of 256: F16 scale d; for each 16 a scale s of 6 bits, less 32; quanta of 3 bits; value = d·s·(q − 4).</summary>
    Q3_K = 9,

    /// <summary>Groups of 256: F16 scale d and minimum e; for each 32 a scale s and a minimum m of 6 bits; quanta of 4 bits; value = d·s·q − e·m.</summary>
    Q4_K = 10,

    /// <summary>Groups of 256: F16 scale d and minimum e; for each 32 a scale s and a minimum m of 6 bits; quanta of 5 bits; value = d·s·q − e·m.</summary>
    Q5_K = 11,

    /// <summary>Groups of 256: F16 scale d; for each 16 a signed scale s of 8 bits; quanta of 6 bits; value = d·s·(q − 32).</summary>
    Q6_K = 12,

    /// <summary>Groups of 32: F16 scale d, 32 nibbles that choose v among 16 integers; value = d·v.</summary>
    IQ4_NL = 13,

    /// <summary>Groups of 256: F16 scale d; for each 32 a scale s of 6 bits, less 32; nibbles that choose v among 16 integers; value = d·s·v.</summary>
    IQ4_XS = 14,

    /// <summary>Groups of 32: a scale that is a power of two, 32 floats of 4 bits (OCP Microscaling Formats, MXFP4).</summary>
    MXFP4 = 15,
}
