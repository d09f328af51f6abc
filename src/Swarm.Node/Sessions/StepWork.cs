using Swarm.Protocol;
using Swarm.Protocol.Links;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>A step that has arrived completely: what the scheduler hands to the compute loop, in one or more pieces.</summary>
internal sealed class StepWork(NodeSession session, Step header, HiddenPacket? packet, bool bulk, long arrived, uint epoch = 0) : IDisposable
{
    private HiddenPacket? _output;

    public NodeSession Session { get; } = session;

    /// <summary>The epoch that it came in.</summary>
    public uint Epoch { get; } = epoch;

    /// <summary>The header as it came; its telemetry holds the hops before this one.</summary>
    public Step Header { get; } = header;

    /// <summary>The hidden states as they came; null once decoded, and where the ids stand for them.</summary>
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

    /// <summary>Of it: time of the passes that was not their blocks'.</summary>
    public TimeSpan Ends { get; set; }

    /// <summary>Why the step cannot go on; null while it can.</summary>
    public Fault? Failure { get; set; }

    /// <summary>This hop chooses the token that follows.</summary>
    public bool WantsToken => Session.Plan.Ends is { Chooses: true } && Header is { Outputs: Outputs.Last, Replay: false };

    /// <summary>The token that follows, once it is chosen.</summary>
    public int? Chosen { get; set; }

    /// <summary>Brings the input into memory as numbers. False, with the reason, when the packet's bytes are not what its codec writes.</summary>
    public bool TryDecode(int hidden, out string? error)
    {
        // What is overwritten goes as the caches' positions go.
        Session.History?.Write(Position, Header.TokenIds);
        if (Packet is null)
        {
            Embed(hidden);
            error = null;
            return true;
        }

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
        if (plan.Ends is { Chooses: true })
            return;
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

    // Step 3 at the first hop, rounded as it would be on the way from a client.
    private void Embed(int hidden)
    {
        Span<int> ids = Count <= 256 ? stackalloc int[Count] : new int[Count];
        for (int index = 0; index < ids.Length; index++)
            ids[index] = (int)Header.TokenIds[index];
        Values = new HiddenBuffer(Count * hidden);
        Session.Ends!.Embedding!.Embed(ids, Position, Values.Values);
        Session.Plan.InputCodec.Round(Values.Values, Count, hidden);
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
