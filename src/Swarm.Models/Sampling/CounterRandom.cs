namespace Swarm.Models.Sampling;

/// <summary>
/// Random numbers by place rather than in sequence: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") keyed by the
/// seed, the position as its counter. The same place gives the same number whatever was asked before.
/// </summary>
internal static class CounterRandom
{
    private const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;

    /// <summary>The block of four words at a counter.</summary>
    public static (uint X0, uint X1, uint X2, uint X3) Block(ulong key, ulong counterLow, ulong counterHigh)
    {
        uint x0 = (uint)counterLow, x1 = (uint)(counterLow >> 32), x2 = (uint)counterHigh, x3 = (uint)(counterHigh >> 32);
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)Multiplier0 * x0, p1 = (ulong)Multiplier1 * x2;
            (x0, x1, x2, x3) = ((uint)(p1 >> 32) ^ x1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ x3 ^ k1, (uint)p0);
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return (x0, x1, x2, x3);
    }

    /// <summary>Uniform in [0, 1): 53 bits, exact.</summary>
    public static double Uniform(ulong seed, long position)
    {
        (uint x0, uint x1, _, _) = Block(seed, (ulong)position, 0);
        return (((ulong)x1 << 32 | x0) >> 11) * (1.0 / (1ul << 53));
    }
}
