using System.IO.Pipelines;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>One call, client side: its state, deadline and cancellation, over any wire. Its status is settled once, by whoever comes first.</summary>
internal sealed class ClientCall<TRequest, TResponse> : IClientStreamWriter<TRequest>, IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private readonly Method<TRequest, TResponse> _method;
    private readonly ClientWire _wire;
    private readonly TransportOptions _options;
    private readonly CallOptions _call;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private volatile ResponseTail? _tail;
    private bool _timerOver;
    private long _started;
    private ITimer? _timer;
    private CancellationTokenRegistration _registration;
    private Task<Metadata>? _headers;
    private FrameReader<TResponse>? _reader;
    private FrameWriter<TRequest>? _writer;
    private PipeWriter? _requests;
    private TResponse? _current;
    private bool _requestsComplete;
    private int _reading;
    private int _writing;

    public ClientCall(Method<TRequest, TResponse> method, ClientWire wire, TransportOptions options, CallOptions call)
    {
        _method = method;
        _wire = wire;
        _options = options;
        _call = call;
        WriteOptions = call.WriteOptions;
    }

    public WriteOptions? WriteOptions { get; set; }

    public TResponse Current => _current ?? throw new InvalidOperationException("no message has been read");

    public Task<Metadata> Headers => _headers!;

    /// <summary>Opens the call; with a message, the request is that message alone.</summary>
    public void Start(TRequest? only)
    {
        _started = TransportMeter.MeasuresMade ? _options.TimeProvider.GetTimestamp() : 0;
        TimeSpan? timeout = null;
        if (_call.Deadline is { } deadline && deadline < DateTime.MaxValue)
        {
            timeout = deadline.ToUniversalTime() - _options.TimeProvider.GetUtcNow().UtcDateTime;
            if (timeout <= TimeSpan.Zero)
                Settle(DeadlineExceeded(), Metadata.Empty);
            else
                SetTimer(timeout.Value);
        }

        if (_call.CancellationToken.CanBeCanceled)
            _registration = _call.CancellationToken.UnsafeRegister(static call => ((ClientCall<TRequest, TResponse>)call!).Cancel(CancelledStatus()), this);
        _requestsComplete = only is not null;
        _headers = OpenAsync(new RequestHead(_method.FullName, _call.Headers ?? Metadata.Empty, timeout), only);
        Observe(_headers);
    }

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _reading, 1) != 0)
            throw new InvalidOperationException("another read of this stream is in progress");
        CancellationTokenRegistration registration = cancellationToken.CanBeCanceled
            ? cancellationToken.UnsafeRegister(static call => ((ClientCall<TRequest, TResponse>)call!).Cancel(CancelledStatus()), this)
            : default;
        try
        {
            await _headers!;
            if (_tail is { } known)
                return End(known);
            _reader ??= new FrameReader<TResponse>(_wire.ResponseReader, _method.ResponseMarshaller, _options.MaxReceiveMessageBytes);
            if (await _reader.ReadAsync(_stop.Token))
            {
                _current = _reader.Message;
                return true;
            }

            ResponseTail tail = _wire.ReadTail();
            Settle(tail.Status, tail.Trailers);
            _wire.Release();
            return End(_tail!);
        }
        catch (RpcException exception) when (_tail is { } known && exception.Status.Equals(known.Status))
        {
            throw;
        }
        catch (Exception exception)
        {
            throw Fail(exception);
        }
        finally
        {
            registration.Unregister();
            Volatile.Write(ref _reading, 0);
        }
    }

    /// <summary>The one answer of a unary or client-streaming call.</summary>
    public async Task<TResponse> SingleAsync()
    {
        if (!await MoveNext(CancellationToken.None))
            throw new RpcException(new Status(StatusCode.Internal, "the call ended with OK and without the one message that its answer has"));
        TResponse answer = Current;
        if (await MoveNext(CancellationToken.None))
        {
            Cancel(new Status(StatusCode.Internal, "the answer has more than the one message of its method"));
            throw new RpcException(_tail!.Status);
        }

        return answer;
    }

    public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        BeginWrite();
        CancellationTokenRegistration registration = cancellationToken.CanBeCanceled
            ? cancellationToken.UnsafeRegister(static call => ((ClientCall<TRequest, TResponse>)call!).Cancel(CancelledStatus()), this)
            : default;
        try
        {
            if (_tail is { } over)
                throw Over(over);
            _requests ??= await _wire.RequestWriter;
            _writer ??= new FrameWriter<TRequest>(_requests, _method.RequestMarshaller, _options.MaxSendMessageBytes);
            _writer.Write(message);
            if (((WriteOptions?.Flags ?? default) & WriteFlags.BufferHint) != 0)
                return;
            FlushResult flushed = await _requests.FlushAsync(_stop.Token);
            if (flushed.IsCompleted)
                throw new IOException("the peer reads this stream no more");
        }
        catch (Exception exception) when (_writer is { Broken: true })
        {
            throw Fail(exception);
        }
        catch (Exception exception) when (exception is ObjectDisposedException or not (RpcException or InvalidOperationException or ArgumentException))
        {
            throw WriteFailed(exception);
        }
        finally
        {
            registration.Unregister();
            Volatile.Write(ref _writing, 0);
        }
    }

    public async Task CompleteAsync()
    {
        BeginWrite();
        try
        {
            _requestsComplete = true;
            if (_tail is not null)
                return;
            _requests ??= await _wire.RequestWriter;
            await _wire.CompleteRequestAsync();
        }
        catch (Exception exception) when (exception is ObjectDisposedException or not (RpcException or InvalidOperationException))
        {
            throw WriteFailed(exception);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    public Status GetStatus() => (_tail ?? throw NotOver()).Status;

    public Metadata GetTrailers() => (_tail ?? throw NotOver()).Trailers;

    public void Dispose() => Cancel(new Status(StatusCode.Cancelled, "the call was disposed before it ended"));

    /// <summary>A failed task that nobody awaits is no crash.</summary>
    internal static void Observe(Task task)
    {
        if (!task.IsCompleted)
            task.ContinueWith(static failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        else if (task.IsFaulted)
            _ = task.Exception;
    }

    private static Status CancelledStatus() => new(StatusCode.Cancelled, "cancelled by its caller");

    private static Status DeadlineExceeded() => new(StatusCode.DeadlineExceeded, "the deadline passed");

    private static InvalidOperationException NotOver() => new("the call has not ended");

    private static Exception Over(ResponseTail tail) => tail.Status.StatusCode == StatusCode.OK
        ? new InvalidOperationException("the call is complete")
        : new RpcException(tail.Status, tail.Trailers);

    private async Task<Metadata> OpenAsync(RequestHead head, TRequest? only)
    {
        try
        {
            if (_tail is { } known)
                throw new RpcException(known.Status);
            PooledBuffer? frame = null;
            if (only is not null)
            {
                frame = new PooledBuffer();
                new FrameWriter<TRequest>(frame, _method.RequestMarshaller, _options.MaxSendMessageBytes).Write(only);
            }

            ResponseHead answer = await _wire.OpenAsync(head, frame, _stop.Token);
            if (answer.Status is { } status)
            {
                Settle(status, answer.Headers);
                _wire.Release();
            }

            return answer.Headers;
        }
        catch (Exception exception)
        {
            throw Fail(exception);
        }
    }

    private void BeginWrite()
    {
        if (Interlocked.Exchange(ref _writing, 1) != 0)
            throw new InvalidOperationException("another write of this stream is in progress");
        if (_requestsComplete)
        {
            Volatile.Write(ref _writing, 0);
            throw new InvalidOperationException("the request stream is complete");
        }
    }

    private static bool End(ResponseTail tail) => tail.Status.StatusCode == StatusCode.OK ? false : throw new RpcException(tail.Status, tail.Trailers);

    /// <summary>Settles the call with what went wrong and stops it; returns what to throw.</summary>
    private RpcException Fail(Exception exception)
    {
        Cancel(WireErrors.Translate(exception));
        ResponseTail tail = _tail!;
        return new RpcException(tail.Status, tail.Trailers);
    }

    /// <summary>A write that fails leaves the status to the answer, which tells the cause; a call that nobody reads learns it here.</summary>
    private RpcException WriteFailed(Exception exception) =>
        _tail is { } tail
            ? new RpcException(tail.Status.StatusCode == StatusCode.OK ? new Status(StatusCode.Cancelled, "the call is complete") : tail.Status, tail.Trailers)
            : new RpcException(WireErrors.Translate(exception));

    private void Cancel(Status status)
    {
        if (!Settle(status, Metadata.Empty))
            return;
        _stop.Cancel();
        _wire.Abort();
    }

    private bool Settle(Status status, Metadata trailers)
    {
        ITimer? timer;
        lock (_gate)
        {
            if (_tail is not null)
                return false;
            _tail = new ResponseTail(status, trailers);
            timer = _timer;
            _timerOver = true;
        }

        timer?.Dispose();
        _registration.Unregister();
        if (_started != 0)
            TransportMeter.MadeCall(_method.FullName, status.StatusCode, _options.TimeProvider.GetElapsedTime(_started));
        return true;
    }

    private void SetTimer(TimeSpan timeout)
    {
        TimeSpan due = timeout < TimeSpan.FromDays(40) ? timeout : TimeSpan.FromDays(40);
        ITimer timer = _options.TimeProvider.CreateTimer(static call => ((ClientCall<TRequest, TResponse>)call!).Cancel(DeadlineExceeded()), this, due, Timeout.InfiniteTimeSpan);
        lock (_gate)
        {
            if (!_timerOver)
            {
                _timer = timer;
                return;
            }
        }

        timer.Dispose();
    }
}
