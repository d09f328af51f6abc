namespace Swarm.Kernels.Cpu;

/// <summary>How many bits the CPU kernels compute with at once. All give the same bits.</summary>
public enum CpuWidth
{
    /// <summary>One value at a time: canonical-1 as its page defines it.</summary>
    Scalar = 0,

    /// <summary>SSE4.1, NEON and the like.</summary>
    Vector128 = 128,

    /// <summary>AVX2.</summary>
    Vector256 = 256,

    /// <summary>AVX-512 F + BW.</summary>
    Vector512 = 512,
}
