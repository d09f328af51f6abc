namespace Swarm.Kernels.Cpu;

/// <summary>One step's part of an attention call, for the thread that computes some of it.</summary>
internal unsafe ref struct AttentionJob
{
    public AttentionShape Shape;
    public nint* Pages;
    public long PageOffset;
    public int FirstPosition;

    /// <summary>One a query head; null for none.</summary>
    public float* Slopes;

    /// <summary>Turns queries and keys; null where they are turned already.</summary>
    public RotaryTable? Rotary;

    /// <summary>[tokens, Heads, HeadDimension].</summary>
    public float* Queries;

    /// <summary>[tokens, KeyValueHeads, HeadDimension]; null where keys and values are stored already.</summary>
    public float* Keys;

    /// <summary>[tokens, KeyValueHeads, ValueDimension].</summary>
    public float* Values;

    /// <summary>[tokens, Heads, ValueDimension].</summary>
    public float* Output;

    /// <summary>Query heads that share a key-value head.</summary>
    public readonly int GroupHeads => Shape.Heads / Shape.KeyValueHeads;

    /// <summary>F16 keys [HeadDimension][64] of a page and key-value head.</summary>
    public readonly ushort* StoredKeys(int page, int keyValueHead) =>
        (ushort*)(Pages[page] + (nint)PageOffset) + (long)keyValueHead * (Shape.StoredWidth / Shape.KeyValueHeads) * KernelSet.PagePositions;

    /// <summary>F16 values [64][ValueDimension] of a page and key-value head.</summary>
    public readonly ushort* StoredValues(int page, int keyValueHead) =>
        StoredKeys(page, keyValueHead) + (long)Shape.HeadDimension * KernelSet.PagePositions;

    /// <summary>Queries [GroupHeads][HeadDimension] of one token over one key-value head.</summary>
    public readonly float* QueriesOf(int token, int keyValueHead) => Queries + ((long)token * Shape.Heads + (long)keyValueHead * GroupHeads) * Shape.HeadDimension;

    /// <summary>Their output [GroupHeads][ValueDimension].</summary>
    public readonly float* OutputOf(int token, int keyValueHead) => Output + ((long)token * Shape.Heads + (long)keyValueHead * GroupHeads) * Shape.ValueDimension;

    /// <summary>One key [HeadDimension] of a token.</summary>
    public readonly float* KeyOf(int token, int keyValueHead) => Keys + ((long)token * Shape.KeyValueHeads + keyValueHead) * Shape.HeadDimension;

    /// <summary>One value [ValueDimension] of a token.</summary>
    public readonly float* ValueOf(int token, int keyValueHead) => Values + ((long)token * Shape.KeyValueHeads + keyValueHead) * Shape.ValueDimension;

    /// <summary>Positions of a page before those that a token sees; negative where none are and the tokens after it see as much.</summary>
    public readonly int HiddenBefore(int token, int page) =>
        Shape.Window == 0 ? int.MinValue / 2 : FirstPosition + token - Shape.Window + 1 - page * KernelSet.PagePositions;
}
