using System.IO.Pipelines;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>One call, server side, over any wire.</summary>
internal sealed class ServerCall : ServerCallContext, IDisposable
{
    private readonly ServerWire _wire;
    private readonly CancellationToken _closing;
    private readonly CancellationTokenSource _stop;
    private readonly ITimer? _timer;
    private readonly DateTime _deadline = DateTime.MaxValue;
    private readonly Lock _gate = new();
    private Dictionary<object, object>? _userState;
    private TaskCompletionSource? _quiet;
    private bool _reading;
    private bool _writing;
    private bool _over;
    private bool _headersSent;
    private int _deadlinePassed;

    public ServerCall(ServerWire wire, TransportOptions options, CancellationToken closing)
    {
        _wire = wire;
        _closing = closing;
        Options = options;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(wire.Aborted, closing);
        if (wire.Timeout is { } timeout)
        {
            DateTime now = options.TimeProvider.GetUtcNow().UtcDateTime;
            _deadline = timeout < DateTime.MaxValue - now ? now + timeout : DateTime.MaxValue;
            TimeSpan due = timeout < TimeSpan.FromDays(40) ? timeout : TimeSpan.FromDays(40);
            _timer = options.TimeProvider.CreateTimer(static call => ((ServerCall)call!).PassDeadline(), this, due, System.Threading.Timeout.InfiniteTimeSpan);
        }
    }

    public TransportOptions Options { get; }

    public PipeReader RequestReader => _wire.RequestReader;

    public PipeWriter ResponseWriter => _wire.ResponseWriter;

    protected override string MethodCore => _wire.Path;

    protected override string HostCore => _wire.Host;

    protected override string PeerCore => _wire.Peer;

    protected override DateTime DeadlineCore => _deadline;

    protected override Metadata RequestHeadersCore => _wire.RequestHeaders;

    protected override CancellationToken CancellationTokenCore => _stop.Token;

    protected override AuthContext AuthContextCore => _wire.Caller;

    protected override Metadata ResponseTrailersCore { get; } = [];

    protected override Status StatusCore { get; set; } = Status.DefaultSuccess;

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override IDictionary<object, object> UserStateCore => _userState ??= [];

    /// <summary>Takes the right to read. One at a time, and none once the handler is done: the wire may serve another call by then.</summary>
    public void BeginRead() => Begin(ref _reading, "read");

    public void EndRead() => End(ref _reading);

    /// <summary>Takes the right to write, under the same rules.</summary>
    public void BeginWrite() => Begin(ref _writing, "write");

    public void EndWrite() => End(ref _writing);

    public ValueTask EnsureHeadersAsync()
    {
        if (_headersSent)
            return default;
        _headersSent = true;
        return _wire.SendHeadersAsync(Metadata.Empty, flush: false);
    }

    /// <summary>Cuts the stream at once: what was written of it cannot be finished.</summary>
    public void Abort() => _wire.Abort();

    /// <summary>Waits for the write that a handler has left running, and sends the status that its end means.</summary>
    public async ValueTask CompleteAsync(Exception? failure)
    {
        await QuietAsync(both: false);
        if (_wire.Aborted.IsCancellationRequested)
            return;
        Status status = StatusCore;
        if (failure is RpcException rpc)
        {
            status = rpc.Status.StatusCode == Grpc.Core.StatusCode.OK ? new Status(Grpc.Core.StatusCode.Unknown, "the handler threw an exception with status OK") : rpc.Status;
            foreach (Metadata.Entry entry in rpc.Trailers)
                ResponseTrailersCore.Add(entry);
        }
        else if (failure is not null)
        {
            status = new Status(Grpc.Core.StatusCode.Unknown, "exception was thrown by handler");
        }

        if (Volatile.Read(ref _deadlinePassed) != 0)
            status = new Status(Grpc.Core.StatusCode.DeadlineExceeded, "the deadline passed");
        else if (_closing.IsCancellationRequested && failure is not null and not RpcException)
            status = new Status(Grpc.Core.StatusCode.Unavailable, "the listener is closing");
        await _wire.CompleteAsync(status, ResponseTrailersCore);
    }

    /// <summary>Stops a read that a handler has left running: nothing touches the wire when this is done.</summary>
    public ValueTask StopAsync()
    {
        lock (_gate)
        {
            if (!_reading)
                return default;
        }

        _stop.Cancel();
        return QuietAsync(both: true);
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _stop.Dispose();
    }

    protected override async Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        ArgumentNullException.ThrowIfNull(responseHeaders);
        BeginWrite();
        try
        {
            if (_headersSent)
                throw new InvalidOperationException("response headers are sent once, before the first message");
            _headersSent = true;
            await _wire.SendHeadersAsync(responseHeaders, flush: true);
        }
        finally
        {
            EndWrite();
        }
    }

    private void Begin(ref bool busy, string what)
    {
        lock (_gate)
        {
            if (_over)
                throw new InvalidOperationException("the call is over");
            if (busy)
                throw new InvalidOperationException($"another {what} of this stream is in progress");
            busy = true;
        }
    }

    private void End(ref bool busy)
    {
        TaskCompletionSource? quiet;
        lock (_gate)
        {
            busy = false;
            quiet = _quiet;
        }

        quiet?.TrySetResult();
    }

    private async ValueTask QuietAsync(bool both)
    {
        while (true)
        {
            TaskCompletionSource quiet;
            lock (_gate)
            {
                _over = true;
                if (!_writing && !(both && _reading))
                    return;
                quiet = _quiet = new TaskCompletionSource();
            }

            await quiet.Task;
        }
    }

    private void PassDeadline()
    {
        Volatile.Write(ref _deadlinePassed, 1);
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call ended while its timer fired.
        }
    }
}
