namespace Swarm.Protocol;

/// <summary>One at a time, first come first served. Who waits comes back in its own context, unlike with a semaphore that is given a token.</summary>
public sealed class Turn
{
    private readonly Lock _lock = new();
    private readonly LinkedList<TaskCompletionSource> _waiting = new();
    private bool _taken;

    /// <summary>Ends when it is the caller's turn; <see cref="Release"/> ends the turn.</summary>
    /// <exception cref="OperationCanceledException">Cancelled while waiting.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        LinkedListNode<TaskCompletionSource> entry;
        lock (_lock)
        {
            if (!_taken)
            {
                _taken = true;
                return;
            }

            entry = _waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), entry.Value);
        await entry.Value.Task;
    }

    /// <summary>Takes the turn where it is free at once.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            bool free = !_taken;
            _taken = true;
            return free;
        }
    }

    /// <summary>The next one's turn.</summary>
    public void Release()
    {
        while (true)
        {
            TaskCompletionSource next;
            lock (_lock)
            {
                if (_waiting.First is not { } first)
                {
                    _taken = false;
                    return;
                }

                _waiting.RemoveFirst();
                next = first.Value;
            }

            if (next.TrySetResult())
                return;
        }
    }
}
