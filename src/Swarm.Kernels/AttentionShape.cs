namespace Swarm.Kernels;

/// <summary>Geometry of one block's attention.</summary>
/// <param name="Heads">Query heads; a multiple of <paramref name="KeyValueHeads"/>.</param>
/// <param name="KeyValueHeads">Key-value heads; query head h reads key-value head h ÷ (Heads ÷ KeyValueHeads).</param>
/// <param name="HeadDimension">Values of a head of queries, keys and values; a multiple of 8.</param>
/// <param name="Scale">Factor on q·k, usually 1/√HeadDimension.</param>
public readonly record struct AttentionShape(int Heads, int KeyValueHeads, int HeadDimension, float Scale);
