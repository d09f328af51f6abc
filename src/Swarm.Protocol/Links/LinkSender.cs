using Grpc.Core;

namespace Swarm.Protocol.Links;

/// <summary>
/// The writing half of a link: messages go out in the order of <see cref="Send"/>, one write at a time. A message sent while nothing is being
/// written is written by the caller at once, so that a token waits for no other thread.
/// </summary>
public sealed class LinkSender(IAsyncStreamWriter<LinkMessage> writer)
{
    // What a message takes while it waits, its packet aside: a peer that reads nothing makes others answer it without end, and none of the answers has a packet.
    private const int FrameBytes = 512;

    private readonly Lock _lock = new();
    private readonly Queue<(LinkMessage Message, Action<LinkMessage>? Written)> _queue = [];
    private long _queuedBytes;
    private bool _writing;
    private bool _closed;
    private TaskCompletionSource? _idle;

    /// <summary>Called once when the peer takes too little: whoever owns the link ends it.</summary>
    public Action? Overflowed { get; set; }

    /// <summary>Hands a message over; never waits. After a failed write messages are dropped: the reading half reports the break.</summary>
    /// <param name="message">Released once written.</param>
    /// <param name="written">Called after it was written, with its size known.</param>
    public void Send(LinkMessage message, Action<LinkMessage>? written = null)
    {
        bool overflow;
        lock (_lock)
        {
            if (_closed)
            {
                message.Release();
                return;
            }

            _queue.Enqueue((message, written));
            _queuedBytes += message.Length + FrameBytes;
            overflow = _queuedBytes > ChainLimits.MaxQueuedBytes;
            if (_writing && !overflow)
                return;
            _writing |= !overflow;
        }

        if (overflow)
        {
            Close();
            Overflowed?.Invoke();
            return;
        }

        _ = PumpAsync();
    }

    /// <summary>Ends when everything handed over so far is written or dropped.</summary>
    public Task DrainAsync()
    {
        lock (_lock)
            return _writing ? (_idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
    }

    /// <summary>Drops what waits and everything later.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            while (_queue.TryDequeue(out var waiting))
                waiting.Message.Release();
        }
    }

    private async Task PumpAsync()
    {
        while (true)
        {
            (LinkMessage message, Action<LinkMessage>? written) next;
            TaskCompletionSource? idle;
            lock (_lock)
            {
                if (_queue.TryDequeue(out next))
                {
                    _queuedBytes -= next.message.Length + FrameBytes;
                    idle = null;
                }
                else
                {
                    _writing = false;
                    idle = _idle;
                    _idle = null;
                }
            }

            if (next.message is null)
            {
                idle?.TrySetResult();
                return;
            }

            try
            {
                await writer.WriteAsync(next.message);
                next.written?.Invoke(next.message);
            }
            catch (Exception exception) when (exception is RpcException or IOException or InvalidOperationException or OperationCanceledException)
            {
                // The peer is gone or the call is over; the reading half learns the same and tells the sessions.
                Close();
            }
            finally
            {
                next.message.Release();
            }
        }
    }
}
