using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The serving side of a lane: reads it to its end and runs its one call.</summary>
internal sealed class LaneServerWire : ServerWire, ILaneEnd
{
    private readonly Lane _lane;
    private readonly ServerDispatcher _dispatcher;
    private readonly TransportOptions _options;
    private readonly CancellationTokenSource _gone = new();
    private readonly CancellationToken _aborted;
    private readonly Dictionary<string, string> _head = [];
    private readonly Metadata _headers = [];
    private ITimer? _late;
    private TimeSpan? _timeout;
    private Task _call = Task.CompletedTask;
    private bool _began;
    private int _over;

    public LaneServerWire(Lane lane, ServerDispatcher dispatcher, TransportOptions options, PeerAuthContext caller, EndPoint? remote)
    {
        _lane = lane;
        _dispatcher = dispatcher;
        _options = options;
        _aborted = _gone.Token;
        Caller = caller;
        Peer = remote is IPEndPoint ip
            ? ip.AddressFamily == AddressFamily.InterNetworkV6 && !ip.Address.IsIPv4MappedToIPv6 ? $"ipv6:{ip}" : $"ipv4:{new IPEndPoint(ip.Address.MapToIPv4(), ip.Port)}"
            : "unknown";
    }

    public override string Path => _head.GetValueOrDefault(LaneBlock.Path, "");

    public override string Host => _head.GetValueOrDefault(LaneBlock.Authority, "");

    public override string Peer { get; }

    public override PeerAuthContext Caller { get; }

    public override Metadata RequestHeaders => _headers;

    public override TimeSpan? Timeout => _timeout;

    public override PipeReader RequestReader => _lane.Messages;

    public override PipeWriter ResponseWriter => _lane.Writer;

    public override CancellationToken Aborted => _aborted;

    /// <summary>Serves in the calling thread until the connection has ended.</summary>
    /// <returns>Ends with the handler.</returns>
    public Task Run()
    {
        Exception? reason = null;
        _late = _options.TimeProvider.CreateTimer(static wire => ((LaneServerWire)wire!).EndIfMute(), this, _options.HandshakeTimeout, System.Threading.Timeout.InfiniteTimeSpan);
        try
        {
            _lane.Greet();
            _lane.Run(this);
        }
        catch (LaneException exception)
        {
            reason = exception;
            Tell(exception.Status);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Whatever a stranger's bytes do ends with this connection.
            reason = exception;
        }

        // A call whose connection ends before it is over has lost its caller.
        if (Interlocked.Exchange(ref _over, 1) == 0 || reason is LaneException)
            _gone.Cancel();
        _lane.EndMessages(new IOException("the connection is gone", reason));
        _lane.Cut();
        _late.Dispose();
        return EndAsync();
    }

    public void OnHead(ReadOnlySpan<byte> block)
    {
        if (_began)
            throw new LaneException(StatusCode.Internal, "lane: a second head, expected one call");
        _began = true;
        if (LaneBlock.Read(block, _head, _headers) is { } wrong)
            throw new LaneException(StatusCode.Internal, wrong);
        if (_head.TryGetValue(HeaderCodec.Timeout, out string? text))
        {
            if (!TimeoutText.TryDecode(text, out TimeSpan timeout))
                throw new LaneException(StatusCode.Internal, "grpc-timeout: expected one to eight digits and one of H, M, S, m, u, n");
            _timeout = timeout;
        }

        _headers.Freeze();
        _call = ServeAsync();
    }

    public void OnTail(ReadOnlySpan<byte> block) => throw new LaneException(StatusCode.Internal, "lane: a status from the calling side");

    public void OnRequestsEnd()
    {
        if (!_began)
            throw new LaneException(StatusCode.Internal, "lane: the end of a call that has not begun");
        _lane.EndMessages(null);
    }

    public override ValueTask SendHeadersAsync(Metadata headers, bool flush)
    {
        LaneBlock.Write(_lane.Writer, LaneFlag.Head, [], headers);
        return flush ? Flush(_lane.Writer, Aborted) : default;

        static async ValueTask Flush(LaneWriter writer, CancellationToken cancellationToken) => await writer.FlushAsync(cancellationToken);
    }

    public override async ValueTask CompleteAsync(Status status, Metadata trailers)
    {
        if (Interlocked.Exchange(ref _over, 1) != 0)
            return;

        LaneBlock.Write(_lane.Writer, LaneFlag.Tail, LaneBlock.Lines(status), trailers);
        await _lane.Writer.FlushAsync();
        EndWriting();
    }

    public override void Abort()
    {
        _lane.Writer.Discard();
        Tell(new Status(StatusCode.Internal, "the peer reset the stream"));
        _gone.Cancel();
    }

    /// <summary>Ends both ways at once.</summary>
    public void Cut() => _lane.Cut();

    // Says why the call ends past whatever the handler is writing.
    private void Tell(Status status)
    {
        if (Interlocked.Exchange(ref _over, 1) == 0)
            _ = TellAsync(status);
    }

    private async Task TellAsync(Status status)
    {
        var frame = new ArrayBufferWriter<byte>();
        LaneBlock.Write(frame, LaneFlag.Tail, LaneBlock.Lines(status), Metadata.Empty);
        try
        {
            await _lane.SendAsync(frame.WrittenMemory);
            EndWriting();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Nobody is there to be told.
        }
    }

    // A caller that has its status ends the connection; one that does not is not waited for.
    private void EndWriting()
    {
        _lane.EndWriting();
        _late?.Dispose();
        _late = _options.TimeProvider.CreateTimer(static lane => ((Lane)lane!).Cut(), _lane, _options.CloseTimeout, System.Threading.Timeout.InfiniteTimeSpan);
    }

    private void EndIfMute()
    {
        if (!_began)
            _lane.Cut();
    }

    private async Task ServeAsync()
    {
        await _dispatcher.DispatchAsync(this);

        // What still comes is passed over.
        _lane.Messages.Complete();
    }

    private async Task EndAsync()
    {
        await _call;
        _gone.Dispose();
    }
}
