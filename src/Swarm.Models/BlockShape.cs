namespace Swarm.Models;

/// <summary>What differs between the blocks of one model.</summary>
/// <param name="Window">Positions that a query sees, its own among them; 0 where it sees all before it.</param>
/// <param name="Rotary">Turns its queries and keys.</param>
public readonly record struct BlockShape(int Window, RotaryConfig Rotary);
