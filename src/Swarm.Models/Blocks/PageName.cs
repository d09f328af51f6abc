namespace Swarm.Models.Blocks;

/// <summary>Under what the beginning of a page can be found.</summary>
/// <param name="Key">Stands for all that the numbers of these positions, and those of what belongs to them, depend on.</param>
/// <param name="Positions">How many, 1 to 64.</param>
public readonly record struct PageName(UInt128 Key, int Positions);
