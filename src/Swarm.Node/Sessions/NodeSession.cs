using Swarm.Models.Blocks;
using Swarm.Node.SwarmEnds;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>One session at this hop. Who owns what is said at each group.</summary>
internal sealed class NodeSession(SessionId id, uint epoch, SessionPlan plan, ServedSpan served, KvCache cache, SessionLease lease, InboundLink upstream)
{
    public SessionId Id { get; } = id;

    /// <summary>The blocks that it began on and ends on.</summary>
    public ServedSpan Served { get; } = served;

    /// <summary>Its right to bytes.</summary>
    public SessionLease Lease { get; } = lease;

    // The compute loop's, between passes.

    /// <summary>Keys and values.</summary>
    public KvCache Cache { get; } = cache;

    /// <summary>The session's ids, at the hop that chooses for it; null elsewhere.</summary>
    public TokenLog? History { get; } = plan.Ends is { Chooses: true } ? new TokenLog() : null;

    /// <summary>Under what its pages can be found by the client's other sessions; null where the client proves no identity.</summary>
    public PageKeys? Keys { get; init; }

    /// <summary>The client's names of its beginnings, at the last hop; elsewhere they go on with <see cref="Outputs"/>.</summary>
    public LabelLog Labels { get; } = new();

    /// <summary>It begins with pages that the node may have: from where it is fed is known once the chain is open.</summary>
    public bool LooksForPages { get; init; }

    /// <summary>Positions that are computed under their names, and that no step under way overwrites.</summary>
    public int Settled { get; set; }

    /// <summary>Positions that it began with.</summary>
    public int PrefixTokens { get; set; }

    /// <summary>The position after the last step that was computed as a whole.</summary>
    public int Computed { get; set; }

    /// <summary>Positions below it were computed before, and dropped because a hop after this one lacks them.</summary>
    public int RecomputeBelow { get; set; }

    public ulong ComputeMicros { get; set; }

    public ulong EndsMicros { get; set; }

    public ulong QueueMicros { get; set; }

    public ulong ForwardedDirectly { get; set; }

    public ulong HiddenBytes { get; set; }

    public ulong HiddenValues { get; set; }

    public ulong Tokens { get; set; }

    public ulong Passes { get; set; }

    public ulong ReplayedTokens { get; set; }

    public ulong RecomputedTokens { get; set; }

    /// <summary>The cache is given back: steps that are still under way are dropped.</summary>
    public bool IsReleased { get; set; }

    /// <summary>A step of the epoch could not be computed: those behind it are dropped.</summary>
    public bool HasGap { get; set; }

    // The table's, under its lock.

    /// <summary>What the epoch asks of this hop. The loop reads it too; it changes between passes only.</summary>
    public SessionPlan Plan { get; set; } = plan;

    /// <summary>The model's ends that it needs of this hop; null until they are loaded, and where it needs none. No step comes before; the loop reads it too.</summary>
    public EndsLease? Ends { get; set; }

    /// <summary>What it needs of the model's ends is there.</summary>
    public bool HasEnds => Ends is not null || Plan.Ends is null or { Parts: EndParts.None };

    /// <summary>Counts the times that the chain was replaced.</summary>
    public uint Epoch { get; set; } = epoch;

    /// <summary>The link that opened the epoch; what concerns the whole session goes back on it.</summary>
    public InboundLink Upstream { get; set; } = upstream;

    /// <summary>The hop had the session before this epoch.</summary>
    public bool IsKept { get; set; }

    /// <summary>The epoch's <c>Opened</c> has not gone back yet.</summary>
    public bool IsOpening { get; set; } = true;

    /// <summary>Something failed in this epoch: its steps are dropped, what is held waits for the next.</summary>
    public bool IsBroken { get; set; }

    /// <summary>The way to the client is broken: its steps are dropped, and after a while the session ends.</summary>
    public bool IsSuspended { get; set; }

    /// <summary>Timestamp of the suspension, or of the last word to keep it.</summary>
    public long SuspendedAt { get; set; }

    /// <summary>Number of the next step to run.</summary>
    public ulong NextStep { get; set; }

    /// <summary>Positions held once all steps accepted so far have run.</summary>
    public int Length { get; set; }

    /// <summary>Steps that came before an earlier one, on the other link.</summary>
    public SortedDictionary<ulong, StepWork> Early { get; } = [];

    public bool IsClosed { get; set; }

    /// <summary>What waits for all sessions of its client.</summary>
    public ClientFlight Flight { get; init; } = new();

    /// <summary>Bytes of packets of the epoch that arrive or wait.</summary>
    public long PendingBytes
    {
        get;
        set
        {
            Flight.Bytes += value - field;
            field = value;
        }
    }

    /// <summary>Steps of the epoch that have arrived and are not computed.</summary>
    public int PendingSteps
    {
        get;
        set
        {
            Flight.Steps += value - field;
            field = value;
        }
    }

    /// <summary>Packets that have arrived, and whose sender is told so only when fewer wait.</summary>
    public Queue<StepAcknowledgement> LateAcks { get; } = [];

    /// <summary>Which of the steps that arrive are acknowledged.</summary>
    public AckRun Acks { get; } = new();

    /// <summary>Links to the client, at the last hop.</summary>
    public InboundLink? DecodeResults { get; set; }

    public InboundLink? BulkResults { get; set; }

    /// <summary>The way on in this epoch; null at the last hop.</summary>
    public Downstream? Downstream { get; set; }

    // Shared; whoever uses one of the two holds its gate.

    /// <summary>What goes on to the next hop; null at the last.</summary>
    public OutputLog? Outputs { get; init; }

    /// <summary>What goes to the client; null but at the last hop.</summary>
    public ResultLog? Results { get; init; }

    /// <summary>Time on the way to the next hop, in microseconds.</summary>
    public long LinkMicros;

    /// <summary>Whether steps of the epoch are taken. Under the table's lock.</summary>
    public bool TakesSteps => !IsClosed && !IsBroken && !IsSuspended;

    /// <summary>This hop's figures so far. The loop's.</summary>
    public HopTelemetry Figures() => new()
    {
        ComputeMicros = ComputeMicros,
        EndsMicros = EndsMicros,
        QueueMicros = QueueMicros,
        LinkMicros = (ulong)Math.Max(0, Interlocked.Read(ref LinkMicros)),
        ForwardedDirectly = ForwardedDirectly,
        HiddenBytes = HiddenBytes,
        HiddenValues = HiddenValues,
        Tokens = Tokens,
        Passes = Passes,
        ReplayedTokens = ReplayedTokens,
        RecomputedTokens = RecomputedTokens,
        PrefixTokens = (ulong)PrefixTokens,
    };

    /// <summary>Whether steps of both can share a pass: sessions from before and after a move never do.</summary>
    public bool ComputesLike(NodeSession other) => Served == other.Served && Plan.ComputesLike(other.Plan);
}
