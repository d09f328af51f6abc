using System.Collections.Immutable;
using Google.Protobuf;
using Swarm.Models;
using Swarm.Node.Measurement;
using Swarm.Node.Sessions;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Transport;

namespace Swarm.Node.Hosting;

/// <summary>What this node would say of itself now. Whoever changes something announces it; nothing is announced from here. Safe to use from several threads.</summary>
internal sealed class NodeStanding(
    NodeOptions options, PeerId peer, ByteString modelIdentity, int capacityBlocks, SessionTable table, SpeedMeter speed, LinkMeter links)
{
    /// <summary>Links that an announcement may hold.</summary>
    private const int MostLinks = 16;

    private readonly Lock _lock = new();
    private ImmutableArray<PeerAddress> _addresses = [];
    private BlockSpan? _intent;
    private bool _confirmed;
    private bool _paused;
    private bool _unreachable;
    private bool _leaving;

    /// <summary>Blocks that its memory holds; 0 for a node that stays where its operator put it.</summary>
    public int CapacityBlocks => capacityBlocks;

    /// <summary>Where it can be dialled, best first.</summary>
    public ImmutableArray<PeerAddress> Addresses
    {
        get
        {
            lock (_lock)
                return _addresses;
        }

        set
        {
            lock (_lock)
                _addresses = [.. value.Distinct().Take(ChainLimits.MaxAddresses)];
        }
    }

    public bool IsPaused
    {
        get
        {
            lock (_lock)
                return _paused;
        }

        set
        {
            lock (_lock)
                _paused = value;
        }
    }

    /// <summary>Others cannot dial it.</summary>
    public bool IsUnreachable
    {
        get
        {
            lock (_lock)
                return _unreachable;
        }

        set
        {
            lock (_lock)
                _unreachable = value;
        }
    }

    public bool IsLeaving
    {
        get
        {
            lock (_lock)
                return _leaving;
        }

        set
        {
            lock (_lock)
                _leaving = value;
        }
    }

    /// <summary>What it means to serve next; null: no change is meant.</summary>
    public BlockSpan? Intent
    {
        get
        {
            lock (_lock)
                return _intent;
        }
    }

    public NodeState State
    {
        get
        {
            lock (_lock)
                return StateOf(_leaving, _unreachable, _paused, table.Spans.Current is not null);
        }
    }

    /// <summary>The state that several facts make: leaving outweighs all, and who serves no block is joining.</summary>
    public static NodeState StateOf(bool leaving, bool unreachable, bool paused, bool serves) =>
        leaving ? NodeState.Leaving
        : unreachable ? NodeState.Unreachable
        : paused ? NodeState.Paused
        : serves ? NodeState.Serving
        : NodeState.Joining;

    /// <summary>Changes what it means to serve next.</summary>
    /// <param name="intent">Blocks; null: no change is meant.</param>
    /// <param name="confirmed">Its turn has come and it loads them.</param>
    public void Intend(BlockSpan? intent, bool confirmed)
    {
        lock (_lock)
            (_intent, _confirmed) = (intent, intent is not null && confirmed);
    }

    /// <summary>What there is to announce.</summary>
    /// <param name="sequence">Number of the announcement.</param>
    public NodeEntry Entry(ulong sequence)
    {
        ServedSpan? served = table.Spans.Current;
        BlockSpan blocks = served?.Blocks ?? default;
        lock (_lock)
        {
            return new NodeEntry
            {
                Peer = peer,
                Addresses = _addresses,
                ModelIdentity = modelIdentity,
                ModelName = options.Source.Name.Length <= ChainLimits.MaxNameLength ? options.Source.Name : options.Source.Name[..ChainLimits.MaxNameLength],
                Weights = ModelIdentity.WeightsName(options.Source.Weights),
                ModelBlocks = options.Source.Config.Blocks,
                State = StateOf(_leaving, _unreachable, _paused, served is not null),
                Blocks = new BlockRange(blocks.Start, blocks.End),
                Target = _intent is { } target && target != blocks ? new BlockRange(target.Start, target.End) : default,
                TargetConfirmed = _confirmed && _intent != blocks,
                Version = options.Version,
                WireVersion = WireVersion.Current,
                BlockTime = TimeSpan.FromSeconds(speed.SecondsPerBlock),
                QueueTime = TimeSpan.FromSeconds(speed.QueueSeconds),
                CapacityBlocks = capacityBlocks,
                CacheTokensFree = table.FreeTokens,
                Sessions = table.Count,
                Links = [.. links.Snapshot().Take(MostLinks).Select(link => new LinkMeasurement(link.Peer, link.RoundTrip))],
                Sequence = sequence,
            };
        }
    }
}
