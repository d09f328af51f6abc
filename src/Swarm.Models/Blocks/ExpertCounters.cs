namespace Swarm.Models.Blocks;

/// <summary>What the experts of a stack's blocks did: shows that those which no token chose are not read.</summary>
public sealed class ExpertCounters
{
    /// <summary>Experts whose matrices were read, once a block and pass.</summary>
    public long ExpertsComputed { get; internal set; }

    /// <summary>Tokens that were brought to an expert, once an expert.</summary>
    public long ExpertRowsGathered { get; internal set; }

    /// <summary>Bytes of the matrices that were read.</summary>
    public long ExpertBytesRead { get; internal set; }
}
