using Google.Protobuf;

namespace Swarm.Protocol.Directory;

/// <summary>What a <see cref="SwarmDirectory"/> is about, and who looks.</summary>
public sealed record DirectoryOptions
{
    public required SwarmId Swarm { get; init; }

    /// <summary>32 bytes.</summary>
    public required ByteString ModelIdentity { get; init; }

    /// <summary>Blocks of the model, at least 1.</summary>
    public required int ModelBlocks { get; init; }

    /// <summary>The node that looks, which watches its neighbours; null for a client, which only looks.</summary>
    public PeerId? Self { get; init; }

    /// <summary>Time that an exchange with one peer may take.</summary>
    public TimeSpan Patience { get; init; } = DirectoryLimits.ProbePatience;

    public required TimeProvider Time { get; init; }

    public required IRandomSource Random { get; init; }
}
