namespace Swarm.Protocol.Weights;

/// <summary>What is asked of one peer: the rest of a piece of a tensor.</summary>
/// <param name="Blob">Index of what is wanted.</param>
/// <param name="Piece">Index of the piece.</param>
/// <param name="Offset">First byte, counted from the start of the whole.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Attempt">How often the tensor was begun anew before: what comes of an earlier attempt does not count.</param>
internal readonly record struct FetchRange(int Blob, int Piece, long Offset, long Length, int Attempt);
