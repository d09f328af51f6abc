namespace Swarm.Kernels.Cpu;

/// <summary>Queries that read one page of one key-value head, and where their shares of it go.</summary>
internal unsafe struct PageQueries
{
    /// <summary>F16 [Size][64].</summary>
    public ushort* Keys;

    /// <summary>F16 [64][Size].</summary>
    public ushort* Values;

    /// <summary>Keys of the page to come, asked for ahead; null when there is none.</summary>
    public ushort* Next;

    /// <summary>Values of a head.</summary>
    public int Size;

    public float Scale;

    /// <summary>Tokens whose queries these are; at least 1, all of which see a position of the page.</summary>
    public int Tokens;

    /// <summary>Queries of a token.</summary>
    public int Heads;

    /// <summary>Positions of the page that the first token sees, the next one more; 64 is all of them.</summary>
    public int Seen;

    /// <summary>[Tokens][Heads][Size].</summary>
    public float* Queries;

    /// <summary>o_b: [Tokens][Heads][Size], written.</summary>
    public float* Weighted;

    /// <summary>m_b: [Tokens][Heads], written.</summary>
    public float* Maxima;

    /// <summary>l_b: [Tokens][Heads], written.</summary>
    public float* Sums;

    /// <summary>Positions that a token sees.</summary>
    public readonly int SeenBy(int token) => Math.Min(KernelSet.PagePositions, Seen + token);
}
