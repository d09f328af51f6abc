namespace Swarm.Node.Placement;

/// <summary>
/// What a replica is worth at a place: first the blocks that nobody else covers, then by how much it lowers Σ 1/level, which counts weak blocks most.
/// </summary>
internal readonly record struct PlacementValue(int Holes, double Lift)
{
    // Sums of the same numbers in another order differ in their last bits; they are equal.
    private const double Rounding = 1e-9;

    /// <summary>Whether this is worth more than the other by at least this share of it.</summary>
    public bool Exceeds(PlacementValue other, double leastGain) =>
        Holes != other.Holes ? Holes > other.Holes : Lift > other.Lift * (1 + leastGain + Rounding);
}
