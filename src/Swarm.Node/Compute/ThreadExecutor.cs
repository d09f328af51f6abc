using System.Threading.Tasks.Sources;

namespace Swarm.Node.Compute;

/// <summary>
/// Runs passes on one thread of its own, so that kernels keep their caches warm and never hold a pool thread. The waiting loop goes on in that same thread: the
/// output of a pass leaves without another change of threads.
/// </summary>
public sealed class ThreadExecutor : IComputeExecutor, IValueTaskSource
{
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Thread _thread;
    private ManualResetValueTaskSourceCore<bool> _source;
    private IComputeWork? _work;
    private volatile bool _stopping;

    /// <param name="name">Of the thread, for debuggers.</param>
    /// <param name="priority">Of the thread, where the platform heeds it.</param>
    /// <param name="continueHere">Whoever waits goes on in this thread; false leaves it to the pool.</param>
    public ThreadExecutor(string name, ThreadPriority priority = ThreadPriority.Normal, bool continueHere = true)
    {
        _source.RunContinuationsAsynchronously = !continueHere;
        _thread = new Thread(Loop) { IsBackground = true, Name = name, Priority = priority };
        _thread.Start();
    }

    public ValueTask RunAsync(IComputeWork work)
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        if (_work is not null)
            throw new InvalidOperationException("a pass is running already");
        _source.Reset();
        _work = work;
        var task = new ValueTask(this, _source.Version);
        _wake.Release();
        return task;
    }

    public void Dispose()
    {
        _stopping = true;
        _wake.Release();
        if (Thread.CurrentThread != _thread)
            _thread.Join();
        _wake.Dispose();
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void Loop()
    {
        while (true)
        {
            _wake.Wait();
            if (_stopping)
                return;
            IComputeWork work = _work!;
            Exception? failure = null;
            try
            {
                work.Run();
            }
            catch (Exception exception)
            {
                failure = exception;
            }

            _work = null;
            if (failure is null)
                _source.SetResult(true);
            else
                _source.SetException(failure);
        }
    }
}
