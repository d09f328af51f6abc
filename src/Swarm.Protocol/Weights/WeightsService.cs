using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Weights;

/// <summary>
/// Answers <c>swarm.v1.Weights</c>: hands tensors to other members. Generation comes first: few transfers at once, a trickle while the node computes for sessions, and below that the
/// transport's own order, in which bulk yields to decode. Thread-safe.
/// </summary>
/// <param name="time">The clock of shares and pauses.</param>
/// <param name="steps">Steps that the node has computed for sessions so far.</param>
public sealed class WeightsService(TimeProvider time, Func<long> steps)
{
    // A little below the limit of a part, as the frame around it counts as well where the transport sends it.
    private const int PartBytes = 60 << 10;

    private readonly long _start = time.GetTimestamp();
    private readonly Lock _lock = new();
    private readonly CallerBudget _budget = new(WeightsLimits.CallerRequests, WeightsLimits.CallerRequestsPerSecond, WeightsLimits.MaxCallers);
    private readonly TransferSlots _slots = new();
    private readonly TransferPacing _pacing = new();
    private volatile IBlobSource? _source;
    private long _sentBytes;
    private long _yields;
    private long _refusals;

    /// <summary>Bytes handed out so far.</summary>
    public long SentBytes => Interlocked.Read(ref _sentBytes);

    /// <summary>Times that a part waited because the node computed.</summary>
    public long Yields => Interlocked.Read(ref _yields);

    /// <summary>Requests refused so far: those beyond a caller's share, and those that came while enough transfers ran.</summary>
    public long Refusals => Interlocked.Read(ref _refusals);

    /// <summary>Transfers that run now.</summary>
    public int Transfers
    {
        get
        {
            lock (_lock)
                return _slots.Count;
        }
    }

    /// <summary>What a transport serves.</summary>
    public ServerServiceDefinition Definition() => ServerServiceDefinition.CreateBuilder().AddMethod(WeightsMethods.Fetch, FetchAsync).Build();

    /// <summary>From now on this is handed out.</summary>
    public void Serve(IBlobSource source) => _source = source;

    private async Task FetchAsync(FetchRequest request, IServerStreamWriter<FetchPart> parts, ServerCallContext context)
    {
        if (request.WireVersion != WireVersion.Current)
            throw new RpcException(new Status(StatusCode.FailedPrecondition, $"wire version: {request.WireVersion}, this node has {WireVersion.Current}"));
        PeerId caller = context.GetPeer();
        lock (_lock)
        {
            if (!_budget.TryTake(caller, 1, time.GetElapsedTime(_start)))
                throw Refused("requests: more than one caller's share");
        }

        if (FetchRules.Check(request) is { } defect)
            throw new RpcException(new Status(StatusCode.InvalidArgument, defect));
        lock (_lock)
        {
            if (!_slots.TryTake(caller))
                throw Refused($"transfers: {_slots.Count} run, expected fewer than {WeightsLimits.MaxTransfers}, and {WeightsLimits.MaxTransfersOfCaller} of one caller");
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(PartBytes);
        try
        {
            for (int range = 0; range < request.Ranges.Count; range++)
                await SendAsync(request.Ranges[range], (uint)range, buffer, parts, context.CancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            lock (_lock)
                _slots.Release(caller);
        }
    }

    private async Task SendAsync(BlobRange range, uint number, byte[] buffer, IServerStreamWriter<FetchPart> parts, CancellationToken cancellationToken)
    {
        IBlobSource? source = _source;
        if (source?.Find(range.Sha256) is not { } length)
        {
            await parts.WriteAsync(NotHeld(range, number));
            return;
        }

        if (range.Offset >= (ulong)length)
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"offset of range {number}: {range.Offset}, expected less than the {length} bytes of the whole"));
        long end = Math.Min(length, (long)range.Offset + (long)range.Length);
        for (long offset = (long)range.Offset; offset < end;)
        {
            int count = (int)Math.Min(PartBytes, end - offset);
            await WaitAsync(count, cancellationToken);
            if (!source.TryRead(range.Sha256, offset, buffer.AsSpan(0, count)))
            {
                await parts.WriteAsync(NotHeld(range, number));
                return;
            }

            // A copy: a transport may keep the message after the write ends.
            await parts.WriteAsync(new FetchPart { Range = number, TotalBytes = (ulong)length, Data = ByteString.CopyFrom(buffer, 0, count) });
            Interlocked.Add(ref _sentBytes, count);
            offset += count;
        }

        source.Release(range.Sha256);
    }

    private async Task WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            TimeSpan wait;
            lock (_lock)
                wait = _pacing.Take(bytes, steps(), time.GetElapsedTime(_start));
            if (wait == TimeSpan.Zero)
                return;
            Interlocked.Increment(ref _yields);
            await Task.Delay(wait, time, cancellationToken);
        }
    }

    private RpcException Refused(string what)
    {
        Interlocked.Increment(ref _refusals);
        return new RpcException(new Status(StatusCode.ResourceExhausted, what));
    }

    private static FetchPart NotHeld(BlobRange range, uint number) => new()
    {
        Range = number,
        Fault = new Fault { Kind = FaultKind.TensorNotHeld, Message = $"sha256: {Convert.ToHexStringLower(range.Sha256.Span[..6])}… is not here" },
    };
}
