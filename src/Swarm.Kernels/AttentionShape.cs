namespace Swarm.Kernels;

/// <summary>Geometry of one block's attention.</summary>
/// <param name="Heads">Query heads; a multiple of <paramref name="KeyValueHeads"/>.</param>
/// <param name="KeyValueHeads">Key-value heads; query head h reads key-value head h ÷ (Heads ÷ KeyValueHeads).</param>
/// <param name="HeadDimension">Values of a head of queries and keys; a multiple of 8.</param>
/// <param name="Scale">Factor on q·k, usually 1/√HeadDimension.</param>
public readonly record struct AttentionShape(int Heads, int KeyValueHeads, int HeadDimension, float Scale)
{
    /// <summary>Values of a head of values and of the output; a multiple of 8; <see cref="HeadDimension"/> where nothing else is said.</summary>
    public int ValueDimension
    {
        get => field == 0 ? HeadDimension : field;
        init;
    }

    /// <summary>
    /// The values of a head are the last <see cref="ValueDimension"/> ones of its keys, which do not turn: a position stores its keys alone, and no values are given (latent attention).
    /// </summary>
    public bool ValuesInKeys { get; init; }

    /// <summary>Positions that a query sees, its own among them: at p those from p − Window + 1 on. 0 for all.</summary>
    public int Window { get; init; }

    /// <summary>A score s becomes SoftCap · tanh(s ÷ SoftCap); 0 for none.</summary>
    public float SoftCap { get; init; }

    /// <summary>One a query head: the score of position j for the query at p grows by slope · (j − p), behind the soft cap (ALiBi, arXiv 2108.12409). Null for none. Not to be changed.</summary>
    public float[]? Slopes { get; init; }

    /// <summary>One a query head: a further score, of which the weights' sum takes part and no value. Null for none. Not to be changed.</summary>
    public float[]? Sinks { get; init; }

    /// <summary>Values of a token's queries.</summary>
    public int QueryWidth => Heads * HeadDimension;

    /// <summary>Values of a token's keys.</summary>
    public int KeyWidth => KeyValueHeads * HeadDimension;

    /// <summary>Values of a token's values, as they are given and stored.</summary>
    public int ValueWidth => ValuesInKeys ? 0 : KeyValueHeads * ValueDimension;

    /// <summary>Values that a position stores.</summary>
    public int StoredWidth => KeyWidth + ValueWidth;

    /// <summary>Values of a token's output.</summary>
    public int OutputWidth => Heads * ValueDimension;

    /// <summary>The first position that the query at a position sees.</summary>
    public int FirstSeen(int position) => Window == 0 ? 0 : Math.Max(0, position - Window + 1);
}
