namespace Swarm.Models.Blocks;

/// <summary>What one block keeps.</summary>
/// <param name="PageBytes">Bytes of its keys and values of 64 positions.</param>
/// <param name="Window">Positions that its queries see; 0 where they see all.</param>
public readonly record struct KvBlock(long PageBytes, int Window);
