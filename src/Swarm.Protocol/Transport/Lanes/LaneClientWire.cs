using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>A call with a connection of its own, where the peer knows lanes and there is room for one; otherwise as an HTTP/2 request.</summary>
/// <param name="lanes">Dials them.</param>
/// <param name="endpoint">Who is called.</param>
/// <param name="otherwise">Makes the request of HTTP/2.</param>
internal sealed class LaneClientWire(LaneCaller lanes, EndpointName endpoint, Func<ClientWire> otherwise) : ClientWire, ILaneEnd
{
    private readonly TaskCompletionSource<PipeWriter> _writer = new();
    private readonly TaskCompletionSource<ResponseHead> _answer = new();
    private readonly CancellationTokenSource _given = new();
    private readonly Lock _gate = new();
    private ClientWire? _other;
    private Lane? _lane;
    private ResponseTail? _tail;
    private bool _isOver;

    public override Task<PipeWriter> RequestWriter => _writer.Task;

    public override PipeReader ResponseReader => _other?.ResponseReader ?? _lane!.Messages;

    public override async Task<ResponseHead> OpenAsync(RequestHead head, PooledBuffer? onlyFrame, CancellationToken cancellationToken)
    {
        if (!lanes.TryEnter(endpoint))
            return await OpenOtherAsync(head, onlyFrame, cancellationToken);
        ArrayBufferWriter<byte> opening;
        try
        {
            opening = Opening(head);
        }
        catch
        {
            lanes.Leave();
            onlyFrame?.Dispose();
            throw;
        }

        new Thread(() => Run(opening, head, onlyFrame, cancellationToken)) { IsBackground = true, Name = "swarm lane" }.Start();
        return await _answer.Task;
    }

    public override async ValueTask CompleteRequestAsync()
    {
        if (_other is { } other)
        {
            await other.CompleteRequestAsync();
            return;
        }

        End(_lane!.Writer);
        await _lane.Writer.FlushAsync();
    }

    public override ResponseTail ReadTail() =>
        _other?.ReadTail() ?? _tail ?? new ResponseTail(new Status(StatusCode.Internal, "the answer ended without grpc-status"), Metadata.Empty);

    public override void Abort()
    {
        Give(static other => other.Abort());
        Fail(new OperationCanceledException("the call was given up"));
    }

    public override void Release()
    {
        Give(static other => other.Release());
        _lane?.Messages.Complete();
    }

    public void OnHead(ReadOnlySpan<byte> block)
    {
        var headers = new Metadata();
        if (LaneBlock.Read(block, [], headers) is { } wrong)
            throw new LaneException(StatusCode.Internal, wrong);
        if (!_answer.TrySetResult(new ResponseHead(headers, null)))
            throw new LaneException(StatusCode.Internal, "lane: a second head, expected one call");
    }

    public void OnTail(ReadOnlySpan<byte> block)
    {
        var own = new Dictionary<string, string>();
        var trailers = new Metadata();
        if (LaneBlock.Read(block, own, trailers) is { } wrong)
            throw new LaneException(StatusCode.Internal, wrong);
        Status status = own.TryGetValue(HeaderCodec.Status, out string? code)
            ? HeaderCodec.ReadStatus(code, own.GetValueOrDefault(HeaderCodec.Message))
            : new Status(StatusCode.Internal, "the answer ended without grpc-status");
        _tail = new ResponseTail(status, trailers);
        if (!_answer.Task.IsCompleted)
            _answer.TrySetResult(new ResponseHead(trailers, status));
        _lane!.EndMessages(null);
    }

    public void OnRequestsEnd() => throw new LaneException(StatusCode.Internal, "lane: the end of requests from the answering side");

    private ArrayBufferWriter<byte> Opening(RequestHead head)
    {
        var opening = new ArrayBufferWriter<byte>();
        List<(string, string)> own = [(LaneBlock.Path, head.Path), (LaneBlock.Authority, endpoint.Authority)];
        if (head.Timeout is { } timeout)
            own.Add((HeaderCodec.Timeout, TimeoutText.Encode(timeout)));
        LaneBlock.Write(opening, LaneFlag.Head, own, head.Headers);
        return opening;
    }

    // The thread of the lane, from dialling to its end.
    private void Run(ArrayBufferWriter<byte> opening, RequestHead head, PooledBuffer? onlyFrame, CancellationToken cancellationToken)
    {
        try
        {
            if (Dial(cancellationToken) is { } stream)
                Read(stream, opening, onlyFrame);
            else
                _ = OpenInsteadAsync(head, onlyFrame, cancellationToken);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Whatever goes wrong with this connection ends with it.
            Exception reason = exception is LaneException lie ? new RpcException(lie.Status) : exception;
            _lane?.EndMessages(reason);
            Fail(reason);
        }
        finally
        {
            lanes.Leave();
        }
    }

    private PeerStream? Dial(CancellationToken cancellationToken)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_given.Token, cancellationToken);
        return lanes.Dial(endpoint, both.Token);
    }

    private void Read(PeerStream stream, ArrayBufferWriter<byte> opening, PooledBuffer? onlyFrame)
    {
        using var lane = new Lane(stream, stream.Connection, lanes.Options);
        using (onlyFrame)
        {
            lock (_gate)
            {
                if (_isOver)
                    throw new OperationCanceledException("the call was given up");
                _lane = lane;
            }

            LaneWriter writer = lane.Writer;
            writer.Write(opening.WrittenSpan);
            if (onlyFrame is not null)
            {
                onlyFrame.CopyTo(writer);
                End(writer);
            }

            // A request that the socket does not take at once goes on beside the answer's reading.
            ValueTask<FlushResult> flushing = writer.FlushAsync();
            if (flushing.IsCompleted)
                flushing.GetAwaiter().GetResult();
            else
                ClientCall<string, string>.Observe(flushing.AsTask());
        }

        _writer.TrySetResult(lane.Writer);
        lane.Run(this);
        lane.EndMessages(new IOException("the connection is gone"));
        Fail(new IOException("the connection is gone"));
    }

    private async Task OpenInsteadAsync(RequestHead head, PooledBuffer? onlyFrame, CancellationToken cancellationToken)
    {
        try
        {
            _answer.TrySetResult(await OpenOtherAsync(head, onlyFrame, cancellationToken));
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    private Task<ResponseHead> OpenOtherAsync(RequestHead head, PooledBuffer? onlyFrame, CancellationToken cancellationToken)
    {
        ClientWire other = otherwise();
        Task<ResponseHead> answer = other.OpenAsync(head, onlyFrame, cancellationToken);
        bool over;
        lock (_gate)
        {
            _other = other;
            over = _isOver;
        }

        if (over)
            other.Abort();
        _ = PassWriterAsync(other.RequestWriter);
        return answer;
    }

    private async Task PassWriterAsync(Task<PipeWriter> opened)
    {
        try
        {
            _writer.TrySetResult(await opened);
        }
        catch (Exception exception)
        {
            _writer.TrySetException(exception);
            _ = _writer.Task.Exception;
        }
    }

    private static void End(LaneWriter writer)
    {
        LaneBlock.Header(writer.GetSpan(FrameHeader.Bytes), LaneFlag.RequestsEnd, 0);
        writer.Advance(FrameHeader.Bytes);
    }

    private void Give(Action<ClientWire> other)
    {
        Lane? lane;
        ClientWire? instead;
        lock (_gate)
        {
            _isOver = true;
            (lane, instead) = (_lane, _other);
        }

        if (instead is not null)
            other(instead);
        lane?.Cut();
        _given.Cancel();
    }

    private void Fail(Exception reason)
    {
        if (_answer.TrySetException(reason))
            _ = _answer.Task.Exception;
        if (_writer.TrySetException(reason))
            _ = _writer.Task.Exception;
    }
}
