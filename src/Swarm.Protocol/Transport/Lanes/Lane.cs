using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Security;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>
/// A connection under TLS that carries one call between two peers of this program and nothing else. What HTTP/2 needs for many calls costs a message several changes of thread;
/// here one thread reads the socket, decrypts, and runs whoever waits for the message, and a write goes out in the thread that makes it. The frames are gRPC's, told apart by
/// their first byte (<see cref="LaneFlag"/>).
/// </summary>
internal sealed class Lane : IDisposable
{
    private const int FirstBufferBytes = 32 << 10;

    private static readonly PipeOptions PipeSettings = new(
        readerScheduler: PipeScheduler.Inline,
        writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: 1 << 20,
        resumeWriterThreshold: 1 << 19,
        minimumSegmentSize: 4 << 10,
        useSynchronizationContext: false);

    // Whether the other side is there is asked in real time, as HTTP/2 asks it: how long bytes take is no matter of a test's clock.
    private static readonly TimeProvider Clock = TimeProvider.System;

    private readonly SslStream _stream;
    private readonly MeteredStream _connection;
    private readonly TransportOptions _options;
    private readonly Pipe _messages = new(PipeSettings);
    private readonly Turn _turn = new();
    private readonly ITimer _watch;
    private readonly byte[] _control = new byte[FrameHeader.Bytes];
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
    private int _filled;
    private long _restOfMessage;
    private long _heard = Clock.GetTimestamp();
    private long _pinged;
    private int _pongDue;
    private volatile bool _delivering;
    private volatile bool _cut;

    /// <param name="stream">After its handshake.</param>
    /// <param name="connection">What lies below it.</param>
    /// <param name="options">Limits and pings.</param>
    public Lane(SslStream stream, MeteredStream connection, TransportOptions options)
    {
        _stream = stream;
        _connection = connection;
        _options = options;
        Writer = new LaneWriter(this);
        TimeSpan look = (options.KeepAlivePingDelay < options.KeepAlivePingTimeout ? options.KeepAlivePingDelay : options.KeepAlivePingTimeout) / 4;
        _watch = Clock.CreateTimer(static lane => ((Lane)lane!).Look(), this, look, look);
    }

    /// <summary>Messages in their frames, as they came.</summary>
    public PipeReader Messages => _messages.Reader;

    /// <summary>Where frames go. One writer at a time; pings find their own way.</summary>
    public LaneWriter Writer { get; }

    /// <summary>This side has ended it.</summary>
    public bool IsCut => _cut;

    /// <summary>Reads to the end of the connection, in the calling thread. Whoever waits for messages goes on in this thread.</summary>
    /// <exception cref="LaneException">The other side's bytes are no lane.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public void Run(ILaneEnd end)
    {
        while (true)
        {
            int count = _stream.Read(_buffer, _filled, _buffer.Length - _filled);
            if (count == 0)
                return;
            Volatile.Write(ref _heard, Clock.GetTimestamp());
            _filled += count;
            Take(end);
        }
    }

    /// <summary>No message follows.</summary>
    public void EndMessages(Exception? reason) => _messages.Writer.Complete(reason);

    /// <summary>Sends bytes in the calling thread, as far as the socket takes them; what does not fit is awaited.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes) => _turn.TryTake() ? WriteAsync(bytes) : SendInTurnAsync(bytes);

    /// <summary>Says that this side is there. At most one such word waits at a time.</summary>
    public void Greet()
    {
        if (Interlocked.Exchange(ref _pongDue, 1) == 0)
            _ = SayAsync(LaneFlag.Pong);
    }

    /// <summary>Nothing more is sent: the other side sees the end behind what was.</summary>
    public void EndWriting() => _connection.EndWriting();

    /// <summary>Ends both ways at once. Safe from any thread, any number of times.</summary>
    public void Cut()
    {
        _cut = true;
        _messages.Writer.CancelPendingFlush();
        _connection.Cut();
    }

    /// <summary>Once the reading has ended.</summary>
    public void Dispose()
    {
        _cut = true;
        _watch.Dispose();
        _stream.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private void Take(ILaneEnd end)
    {
        int at = 0;
        bool delivered = false;
        while (at < _filled)
        {
            if (_restOfMessage > 0)
            {
                int part = (int)Math.Min(_restOfMessage, _filled - at);
                _messages.Writer.Write(_buffer.AsSpan(at, part));
                _restOfMessage -= part;
                at += part;
                delivered = true;
                continue;
            }

            ReadOnlySpan<byte> left = _buffer.AsSpan(at, _filled - at);
            if (left.Length < FrameHeader.Bytes)
                break;
            uint length = BinaryPrimitives.ReadUInt32BigEndian(left[1..]);
            if (left[0] < LaneFlag.Tail)
            {
                // A message with its header, which whoever reads it judges.
                _restOfMessage = FrameHeader.Bytes + (long)length;
                continue;
            }

            if (length > (uint)_options.MaxMetadataBytes)
                throw new LaneException(StatusCode.ResourceExhausted, $"lane: a block of {length} bytes, expected at most {_options.MaxMetadataBytes}");
            int whole = FrameHeader.Bytes + (int)length;
            if (left.Length < whole)
            {
                MakeRoom(at, whole);
                at = 0;
                break;
            }

            // Messages that came before it are seen before it.
            if (delivered)
                Deliver();
            delivered = false;
            TakeControl(end, left[0], left[FrameHeader.Bytes..whole]);
            at += whole;
        }

        if (at > 0)
        {
            _buffer.AsSpan(at, _filled - at).CopyTo(_buffer);
            _filled -= at;
        }

        if (delivered)
            Deliver();
    }

    private void TakeControl(ILaneEnd end, byte flag, ReadOnlySpan<byte> block)
    {
        switch (flag)
        {
            case LaneFlag.Head:
                end.OnHead(block);
                break;
            case LaneFlag.Tail:
                end.OnTail(block);
                break;
            case LaneFlag.RequestsEnd:
                end.OnRequestsEnd();
                break;
            case LaneFlag.Ping:
                Greet();
                break;
            case LaneFlag.Pong:
                break;
            default:
                throw new LaneException(StatusCode.Internal, $"lane: flag {flag}, expected 0 or {LaneFlag.Tail} to {LaneFlag.Pong}");
        }
    }

    // Whoever waits for messages runs here. One who takes none holds this thread, and by it the sender.
    private void Deliver()
    {
        ValueTask<FlushResult> flushing = _messages.Writer.FlushAsync();
        if (flushing.IsCompleted)
        {
            flushing.GetAwaiter().GetResult();
            return;
        }

        _delivering = true;
        if (_cut)
            _messages.Writer.CancelPendingFlush();
        flushing.AsTask().GetAwaiter().GetResult();
        Volatile.Write(ref _heard, Clock.GetTimestamp());
        _delivering = false;
    }

    private void MakeRoom(int at, int whole)
    {
        byte[] larger = whole > _buffer.Length ? ArrayPool<byte>.Shared.Rent(whole) : _buffer;
        _buffer.AsSpan(at, _filled - at).CopyTo(larger);
        _filled -= at;
        if (larger == _buffer)
            return;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private async ValueTask SendInTurnAsync(ReadOnlyMemory<byte> bytes)
    {
        await _turn.WaitAsync(CancellationToken.None);
        await WriteAsync(bytes);
    }

    // In turn, which it ends.
    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await _stream.WriteAsync(bytes);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task SayAsync(byte flag)
    {
        try
        {
            await _turn.WaitAsync(CancellationToken.None);
            if (flag == LaneFlag.Pong)
                Volatile.Write(ref _pongDue, 0);
            LaneBlock.Header(_control, flag, 0);
            await WriteAsync(_control);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection is gone; its reading says so.
        }
    }

    // Silence is asked about, and a question without an answer ends the connection.
    private void Look()
    {
        if (_cut || _delivering)
            return;
        long now = Clock.GetTimestamp();
        long heard = Volatile.Read(ref _heard);
        if (_pinged > heard)
        {
            if (Clock.GetElapsedTime(_pinged, now) >= _options.KeepAlivePingTimeout)
                Cut();
            return;
        }

        if (Clock.GetElapsedTime(heard, now) < _options.KeepAlivePingDelay)
            return;
        _pinged = now;
        _ = SayAsync(LaneFlag.Ping);
    }
}
