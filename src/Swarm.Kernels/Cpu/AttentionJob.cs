namespace Swarm.Kernels.Cpu;

/// <summary>One step's part of an attention call, for the thread that computes some of it.</summary>
internal unsafe ref struct AttentionJob
{
    public AttentionShape Shape;
    public nint* Pages;
    public long PageOffset;
    public int FirstPosition;

    /// <summary>Turns queries and keys; null where they are turned already.</summary>
    public RotaryTable? Rotary;

    /// <summary>[tokens, Heads, HeadDimension].</summary>
    public float* Queries;

    /// <summary>[tokens, KeyValueHeads, HeadDimension]; null where keys and values are stored already.</summary>
    public float* Keys;

    /// <summary>[tokens, KeyValueHeads, HeadDimension].</summary>
    public float* Values;

    /// <summary>[tokens, Heads, HeadDimension].</summary>
    public float* Output;

    /// <summary>Query heads that share a key-value head.</summary>
    public readonly int GroupHeads => Shape.Heads / Shape.KeyValueHeads;

    /// <summary>F16 keys [HeadDimension][64] of a page and key-value head.</summary>
    public readonly ushort* StoredKeys(int page, int keyValueHead) =>
        (ushort*)(Pages[page] + (nint)PageOffset) + (long)keyValueHead * 2 * Shape.HeadDimension * KernelSet.PagePositions;

    /// <summary>F16 values [64][HeadDimension] of a page and key-value head.</summary>
    public readonly ushort* StoredValues(int page, int keyValueHead) =>
        StoredKeys(page, keyValueHead) + (long)Shape.HeadDimension * KernelSet.PagePositions;

    /// <summary>The query heads of one token over one key-value head: [GroupHeads][HeadDimension] of queries or output.</summary>
    public readonly long QueryOffset(int token, int keyValueHead) =>
        ((long)token * Shape.Heads + (long)keyValueHead * GroupHeads) * Shape.HeadDimension;

    /// <summary>One key or value [HeadDimension] of a token.</summary>
    public readonly long KeyOffset(int token, int keyValueHead) => ((long)token * Shape.KeyValueHeads + keyValueHead) * Shape.HeadDimension;
}
