using System.Collections.Immutable;
using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Directory;

namespace Swarm.Client;

/// <summary>A node that could be part of a route, as its announcement and this client's own measurements say.</summary>
/// <param name="Peer">Who.</param>
/// <param name="Address">host:port.</param>
/// <param name="Blocks">What it serves.</param>
public sealed record RouteCandidate(PeerId Peer, string Address, BlockSpan Blocks)
{
    /// <summary>Compute time of one token through one block. Zero or less: unknown, <see cref="RoutePlanner.UnknownBlockTime"/>.</summary>
    public TimeSpan BlockTime { get; init; }

    /// <summary>Mean time that a step waits there for the device.</summary>
    public TimeSpan QueueTime { get; init; }

    /// <summary>Sessions that it has.</summary>
    public int Sessions { get; init; }

    /// <summary>Positions that it could still hold.</summary>
    public long CacheTokensFree { get; init; } = long.MaxValue;

    /// <summary>Round trip between this client and the node; null: unknown.</summary>
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>Round trips that the node measured to others.</summary>
    public ImmutableArray<LinkMeasurement> Links { get; init; } = [];

    /// <summary>What a directory's entry says.</summary>
    public static RouteCandidate Of(NodeEntry entry) => new(entry.Peer, entry.Addresses[0].ToString(), new BlockSpan(entry.Blocks.First, entry.Blocks.End))
    {
        BlockTime = entry.BlockTime,
        QueueTime = entry.QueueTime,
        Sessions = entry.Sessions,
        CacheTokensFree = entry.CacheTokensFree,
        RoundTrip = entry.RoundTrip,
        Links = entry.Links,
    };
}
