namespace Swarm.Kernels.Cpu;

/// <summary>Arguments of one attention call, for the threads that divide it.</summary>
internal unsafe struct AttentionJob
{
    public AttentionShape Shape;
    public nint* Pages;
    public long PageOffset;
    public int FirstPosition;
    public float* Queries;
    public float* Output;

    public readonly int GroupHeads => Shape.Heads / Shape.KeyValueHeads;

    /// <summary>F16 keys [HeadDimension][64] of a page and key-value head.</summary>
    public readonly ushort* Keys(int page, int keyValueHead) =>
        (ushort*)(Pages[page] + (nint)PageOffset) + (long)keyValueHead * 2 * Shape.HeadDimension * KernelSet.PagePositions;

    /// <summary>F16 values [64][HeadDimension] of a page and key-value head.</summary>
    public readonly ushort* Values(int page, int keyValueHead) =>
        Keys(page, keyValueHead) + (long)Shape.HeadDimension * KernelSet.PagePositions;
}
