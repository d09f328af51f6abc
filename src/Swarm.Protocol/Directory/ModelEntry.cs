using System.Collections.Immutable;
using Google.Protobuf;

namespace Swarm.Protocol.Directory;

/// <summary>A model that a swarm serves, as its nodes say.</summary>
/// <param name="Identity">32 bytes.</param>
/// <param name="Name">For people.</param>
/// <param name="Blocks">Blocks of the whole model.</param>
/// <param name="ConfigHash">SHA-256 of its configuration, 32 bytes.</param>
/// <param name="Nodes">Who says so, the dead of the last minute included.</param>
/// <param name="Weights">The format that float weights are held in: stored, q8_0, q4_0; empty where it is not said.</param>
public sealed record ModelEntry(ByteString Identity, string Name, int Blocks, ByteString ConfigHash, int Nodes, string Weights = "")
{
    /// <summary>The different hashes of its description that nodes state; more than one: some of them are wrong.</summary>
    public ImmutableSortedSet<string> DescriptionHashes { get; init; } = [];
}
