using Swarm.Models.Blocks;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>One session at this hop. Who owns what is said at each group.</summary>
internal sealed class NodeSession(SessionId id, uint epoch, SessionPlan plan, ServedSpan served, KvCache cache, InboundLink upstream)
{
    public SessionId Id { get; } = id;

    public uint Epoch { get; } = epoch;

    public SessionPlan Plan { get; } = plan;

    /// <summary>The blocks that it began on and ends on.</summary>
    public ServedSpan Served { get; } = served;

    /// <summary>The link that opened the session; what concerns the whole session goes back on it.</summary>
    public InboundLink Upstream { get; } = upstream;

    // The compute loop's.

    /// <summary>Keys and values.</summary>
    public KvCache Cache { get; } = cache;

    public ulong ComputeMicros { get; set; }

    public ulong QueueMicros { get; set; }

    public ulong ForwardedDirectly { get; set; }

    public ulong HiddenBytes { get; set; }

    public ulong HiddenValues { get; set; }

    public ulong Tokens { get; set; }

    public ulong Passes { get; set; }

    /// <summary>The cache is given back: steps that are still under way are dropped.</summary>
    public bool IsReleased { get; set; }

    // The table's, under its lock.

    /// <summary>Number of the next step to run.</summary>
    public ulong NextStep { get; set; }

    /// <summary>Positions held once all steps accepted so far have run.</summary>
    public int Length { get; set; }

    /// <summary>Steps that came before an earlier one, on the other link.</summary>
    public SortedDictionary<ulong, StepWork> Early { get; } = [];

    public bool IsClosed { get; set; }

    /// <summary>Bytes of packets that arrive or wait.</summary>
    public long PendingBytes { get; set; }

    /// <summary>Steps that have arrived and not gone on.</summary>
    public int PendingSteps { get; set; }

    /// <summary>Links to the client, at the last hop.</summary>
    public InboundLink? DecodeResults { get; set; }

    public InboundLink? BulkResults { get; set; }

    /// <summary>Results that wait for the client's link.</summary>
    public List<(LinkFrame Frame, HiddenPacket? Packet, bool Bulk)> Parked { get; } = [];

    // Shared.

    /// <summary>The way on; null at the last hop.</summary>
    public Downstream? Downstream { get; set; }

    /// <summary>Time on the way to the next hop, in microseconds.</summary>
    public long LinkMicros;

    /// <summary>Whether steps of both can share a pass: sessions from before and after a move never do.</summary>
    public bool ComputesLike(NodeSession other) => Served == other.Served && Plan.ComputesLike(other.Plan);
}
