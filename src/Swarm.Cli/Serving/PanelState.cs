using System.Collections.Immutable;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;

namespace Swarm.Cli.Serving;

/// <summary>What the panel of a serving node shows. Immutable.</summary>
internal sealed record PanelState
{
    /// <summary>Who the node is, as people compare it.</summary>
    public required string Fingerprint { get; init; }

    public required string Address { get; init; }

    public required string Model { get; init; }

    /// <summary>Blocks of the whole model.</summary>
    public required int ModelBlocks { get; init; }

    public required BlockSpan Blocks { get; init; }

    /// <summary>The state that it announces, in a word.</summary>
    public required string State { get; init; }

    public int Sessions { get; init; }

    /// <summary>Tokens that passed through its blocks a second, lately.</summary>
    public double TokensPerSecond { get; init; }

    public long WeightBytes { get; init; }

    public long CacheTokensFree { get; init; }

    /// <summary>Other nodes of the model that it knows, by the blocks that each serves now; empty where one serves none.</summary>
    public ImmutableArray<BlockSpan> Peers { get; init; } = [];

    /// <summary>The last things that happened, oldest first.</summary>
    public ImmutableArray<string> Events { get; init; } = [];

    /// <summary><see cref="Peers"/> as the directory has them.</summary>
    public static ImmutableArray<BlockSpan> PeersIn(DirectorySnapshot directory, PeerId self) =>
        [.. directory.Nodes.Where(node => node.Peer != self).Select(node => node.IsServing ? new BlockSpan(node.Blocks.First, node.Blocks.End) : default)];
}
