using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>A step that has arrived completely: what the scheduler hands to the compute loop, in one or more pieces.</summary>
internal sealed class StepWork(NodeSession session, Step header, HiddenPacket packet, bool bulk, long arrived, uint epoch = 0) : IDisposable
{
    private HiddenPacket? _output;

    public NodeSession Session { get; } = session;

    /// <summary>The epoch that it came in.</summary>
    public uint Epoch { get; } = epoch;

    /// <summary>The header as it came; its telemetry holds the hops before this one.</summary>
    public Step Header { get; } = header;

    /// <summary>The hidden states as they came; null once decoded.</summary>
    public HiddenPacket? Packet { get; private set; } = packet;

    /// <summary>The hidden states [Count, hidden], from the first piece on; the output after the last.</summary>
    public HiddenBuffer? Values { get; private set; }

    /// <summary>It came by the link for long transfers, and goes on by it.</summary>
    public bool IsBulk { get; } = bulk;

    /// <summary>Timestamp of complete arrival.</summary>
    public long Arrived { get; } = arrived;

    public int Position => (int)Header.Position;

    public int Count => (int)Header.Count;

    /// <summary>Tokens computed already.</summary>
    public int Done { get; set; }

    /// <summary>Timestamp of the first pass; 0 before.</summary>
    public long Started { get; set; }

    /// <summary>Time on the device so far.</summary>
    public TimeSpan Computed { get; set; }

    /// <summary>Why the step cannot go on; null while it can.</summary>
    public Fault? Failure { get; set; }

    /// <summary>Decodes the packet. False, with the reason, when its bytes are not what its codec writes.</summary>
    public bool TryDecode(out string? error)
    {
        HiddenPacket packet = Packet!;
        Values = new HiddenBuffer(packet.Tokens * packet.Hidden);
        bool sound = packet.TryDecode(Values.Values, out error);
        packet.Dispose();
        Packet = null;
        return sound;
    }

    /// <summary>Encodes the output for whoever comes next: all rows for a hop, what the client asked for at the last.</summary>
    public void Encode(int hidden)
    {
        SessionPlan plan = Session.Plan;
        ReadOnlySpan<float> values = Values!.Values;
        int rows = plan.Next is not null ? Count : Header.Replay ? 0 : Header.Outputs switch
        {
            Outputs.All => Count,
            Outputs.Last => 1,
            _ => 0,
        };
        if (rows > 0)
            _output = HiddenPacket.Encode(values[((Count - rows) * hidden)..(Count * hidden)], rows, hidden, plan.OutputCodec);
    }

    /// <summary>Hands the encoded output over; null when nobody asked for any.</summary>
    public HiddenPacket? TakeOutput()
    {
        HiddenPacket? output = _output;
        _output = null;
        return output;
    }

    public void Dispose()
    {
        _output?.Dispose();
        _output = null;
        Packet?.Dispose();
        Packet = null;
        Values?.Dispose();
        Values = null;
    }
}
