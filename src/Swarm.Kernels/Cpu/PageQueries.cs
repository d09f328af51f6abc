namespace Swarm.Kernels.Cpu;

/// <summary>Queries that read one page of one key-value head, and where their shares of it go.</summary>
internal unsafe struct PageQueries
{
    /// <summary>F16 [KeySize][64].</summary>
    public ushort* Keys;

    /// <summary>F16 [64][ValueSize].</summary>
    public ushort* Values;

    /// <summary>Keys of the page to come, asked for ahead; null when there is none.</summary>
    public ushort* Next;

    /// <summary>Values of a query and of a key.</summary>
    public int KeySize;

    /// <summary>Values of a value.</summary>
    public int ValueSize;

    public float Scale;

    /// <summary>0 for none.</summary>
    public float SoftCap;

    /// <summary>One for each of a token's queries; null for none.</summary>
    public float* Slopes;

    /// <summary>Tokens whose queries these are; at least 1, all of which see a position of the page.</summary>
    public int Tokens;

    /// <summary>Queries of a token.</summary>
    public int Heads;

    /// <summary>Positions up to the first token's own, counted from the page's first; the next token's one more. From 64 on the page ends earlier.</summary>
    public int Seen;

    /// <summary>Positions of the page that lie before the first token's window, the next token's one more; negative as long as none do.</summary>
    public int Hidden;

    /// <summary>[Tokens][Heads][KeySize].</summary>
    public float* Queries;

    /// <summary>o_b: [Tokens][Heads][ValueSize], written.</summary>
    public float* Weighted;

    /// <summary>m_b: [Tokens][Heads], written.</summary>
    public float* Maxima;

    /// <summary>l_b: [Tokens][Heads], written.</summary>
    public float* Sums;

    /// <summary>The factor on a score inside the soft cap's tanh.</summary>
    public readonly float InverseCap => (float)(1.0 / SoftCap);

    /// <summary>A token sees the page's positions up to this one, itself not among them …</summary>
    public readonly int SeenBy(int token) => Math.Min(KernelSet.PagePositions, Seen + token);

    /// <summary>… and from this one on.</summary>
    public readonly int HiddenTo(int token) => Math.Max(0, Hidden + token);

    /// <summary>From a token's position to the page's first.</summary>
    public readonly int Distance(int token) => 1 - Seen - token;
}
