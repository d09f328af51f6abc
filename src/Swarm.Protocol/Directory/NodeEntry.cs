using System.Collections.Immutable;
using Google.Protobuf;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Directory;

/// <summary>A node as its newest announcement and this observer's own measurements show it.</summary>
public sealed record NodeEntry
{
    public required PeerId Peer { get; init; }

    /// <summary>Where it can be dialled, best first; at least one.</summary>
    public required ImmutableArray<PeerAddress> Addresses { get; init; }

    /// <summary>32 bytes.</summary>
    public required ByteString ModelIdentity { get; init; }

    /// <summary>For people.</summary>
    public string ModelName { get; init; } = "";

    /// <summary>Blocks of the whole model, at least 1.</summary>
    public required int ModelBlocks { get; init; }

    /// <summary>SHA-256 of the model's configuration, or empty.</summary>
    public ByteString ConfigHash { get; init; } = ByteString.Empty;

    /// <summary>The format that float weights are held in: stored, q8_0, q4_0; empty where it is not said.</summary>
    public string Weights { get; init; } = "";

    /// <summary>SHA-256 of the model's description, as the node's "models" record states it; empty in what is read of others.</summary>
    public ByteString DescriptionHash { get; init; } = ByteString.Empty;

    public required NodeState State { get; init; }

    /// <summary>What it serves now; empty while it joins.</summary>
    public BlockRange Blocks { get; init; }

    /// <summary>What it is about to serve: an intent that placement counts. Empty: no change is meant.</summary>
    public BlockRange Target { get; init; }

    /// <summary>The target had its turn and is being loaded; until then it is a claim.</summary>
    public bool TargetConfirmed { get; init; }

    /// <summary>Program version.</summary>
    public string Version { get; init; } = "";

    public uint WireVersion { get; init; }

    /// <summary>Compute time of one token through one block: this observer's own figure where it has one, else the announced. Zero: nobody knows.</summary>
    public TimeSpan BlockTime { get; init; }

    /// <summary>Mean time that a step waited for the device lately.</summary>
    public TimeSpan QueueTime { get; init; }

    /// <summary>Blocks that its memory could hold; 0: not said.</summary>
    public int CapacityBlocks { get; init; }

    /// <summary>Positions that its KV pool could still hold; 0 for a moment after it refused a session for want of room.</summary>
    public long CacheTokensFree { get; init; }

    public int Sessions { get; init; }

    /// <summary>Round trips that it measured to possible next hops.</summary>
    public ImmutableArray<LinkMeasurement> Links { get; init; } = [];

    /// <summary>The grant that it came by; null for a guest of a public swarm.</summary>
    public GrantId? Grant { get; init; }

    /// <summary>Grows with every announcement of the peer.</summary>
    public ulong Sequence { get; init; }

    /// <summary>Since the announcement was made, as far as this observer knows.</summary>
    public TimeSpan Age { get; init; }

    /// <summary>Round trip from this observer, where it has measured one.</summary>
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>How to call it: all its addresses, pinned to the peer.</summary>
    public PeerEndpoint Endpoint => new(Peer, Addresses);

    /// <summary>Decode tokens a second over its span; 0 where nothing is known.</summary>
    public double TokensPerSecond => BlockTime > TimeSpan.Zero && Blocks.Count > 0 ? 1 / (BlockTime.TotalSeconds * Blocks.Count) : 0;

    /// <summary>Whether it takes new sessions.</summary>
    public bool IsServing => State == NodeState.Serving && Blocks.Count > 0;
}
