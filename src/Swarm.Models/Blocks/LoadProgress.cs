namespace Swarm.Models.Blocks;

/// <summary>How far loading has come.</summary>
/// <param name="Block">The block just loaded.</param>
/// <param name="Done">Blocks loaded.</param>
/// <param name="Of">Blocks to load.</param>
/// <param name="Bytes">Stored bytes read so far.</param>
/// <param name="TotalBytes">Stored bytes to read.</param>
public readonly record struct LoadProgress(int Block, int Done, int Of, long Bytes, long TotalBytes);
