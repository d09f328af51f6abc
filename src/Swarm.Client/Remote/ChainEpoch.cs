using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Client;

/// <summary>One wiring of a session's chain: who, by which links, and whether it holds. Its fields belong to the session's lock.</summary>
internal sealed class ChainEpoch(uint number, IReadOnlyList<ChainHop> hops, IReadOnlyList<int> roundingPoints, string codec)
{
    private readonly TaskCompletionSource<Opened> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _ack;

    public uint Number => number;

    public IReadOnlyList<ChainHop> Hops => hops;

    public ChainRoute Route { get; } = new(hops, roundingPoints, codec, (int)number);

    public List<OutboundLink> Links { get; } = [];

    public OutboundLink? FirstDecode { get; set; }

    public OutboundLink? FirstBulk { get; set; }

    public required HopObserver Observer { get; init; }

    /// <summary>Positions below which no results were wanted when it was asked for.</summary>
    public int Confirmed { get; set; }

    /// <summary>The number of the next step that this side sends.</summary>
    public ulong NextStep { get; set; }

    /// <summary>Packets that have not arrived at the first hop, as far as this side knows.</summary>
    public ulong Unacknowledged { get; private set; }

    /// <summary>What broke it first; null: it holds.</summary>
    public SwarmException? Fault { get; private set; }

    /// <summary>Ends when the chain is open, or fails with what broke it before.</summary>
    public Task<Opened> Opened => _opened.Task;

    public ulong TakeNumber()
    {
        Unacknowledged++;
        return NextStep++;
    }

    public void OnOpened(Opened opened) => _opened.TrySetResult(opened);

    /// <summary>So many packets have arrived.</summary>
    public void OnAck(ulong packets)
    {
        Unacknowledged -= Math.Min(Unacknowledged, packets);
        _ack?.TrySetResult();
        _ack = null;
    }

    /// <summary>Ends with the next acknowledgement, or when the chain breaks.</summary>
    public Task NextAck()
    {
        _ack ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _ack.Task;
    }

    public void Break(SwarmException fault)
    {
        Fault ??= fault;
        _ack?.TrySetResult();
        _ack = null;
        _opened.TrySetException(Fault);
        // Whoever opened may have given up already.
        _ = _opened.Task.Exception;
    }

    public ChainHop? Find(PeerId peer) => hops.FirstOrDefault(hop => hop.Peer == peer);
}
