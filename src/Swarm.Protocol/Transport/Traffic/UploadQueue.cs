namespace Swarm.Protocol.Transport;

/// <summary>
/// Whose turn it is. Decode goes before bulk, but for one piece of bulk after every eight that decode has had while bulk waited, so that bulk never starves. Within a
/// class it is start-time fair queuing: connections share evenly, and one that sends little goes before those that always have more.
/// </summary>
internal sealed class UploadQueue
{
    private const long DecodeBytesPerBulkPiece = 8L * UploadLimiter.PieceBytes;

    private readonly FairClass _decode = new();
    private readonly FairClass _bulk = new();
    private long _decodeSinceBulk;

    public bool IsEmpty => _decode.Waiting.Count + _bulk.Waiting.Count == 0;

    /// <summary>Who is next.</summary>
    public UploadFlow? Next => Chosen() is { Waiting.Count: > 0 } chosen ? chosen.Waiting.Peek() : null;

    /// <summary>A flow asks for its piece.</summary>
    public void Add(UploadFlow flow)
    {
        flow.Queued = flow.Purpose;
        Of(flow.Queued).Add(flow);
    }

    /// <summary>Takes out <see cref="Next"/>, whose bytes leave now.</summary>
    public void Serve()
    {
        FairClass chosen = Chosen();
        UploadFlow flow = chosen.Serve();
        if (chosen == _bulk || _bulk.Waiting.Count == 0)
            _decodeSinceBulk = 0;
        else
            _decodeSinceBulk += flow.Bytes;
    }

    /// <summary>Takes out one that waits no longer; false when it did not wait.</summary>
    public bool Remove(UploadFlow flow) => Of(flow.Queued).Waiting.Remove(flow, out _, out _);

    private FairClass Chosen() =>
        _decode.Waiting.Count > 0 && (_bulk.Waiting.Count == 0 || _decodeSinceBulk < DecodeBytesPerBulkPiece) ? _decode : _bulk;

    private FairClass Of(ConnectionClass purpose) => purpose == ConnectionClass.Decode ? _decode : _bulk;

    private sealed class FairClass
    {
        private double _virtualTime;
        private long _order;

        public PriorityQueue<UploadFlow, (double Start, long Order)> Waiting { get; } = new();

        public void Add(UploadFlow flow)
        {
            flow.Start = Math.Max(_virtualTime, flow.Finish);
            flow.Finish = flow.Start + flow.Bytes;
            Waiting.Enqueue(flow, (flow.Start, _order++));
        }

        public UploadFlow Serve()
        {
            UploadFlow flow = Waiting.Dequeue();
            _virtualTime = Math.Max(_virtualTime, flow.Start);
            return flow;
        }
    }
}
