namespace Swarm.Protocol.Transport;

/// <summary>An address of an <see cref="InMemoryNetwork"/> that is served.</summary>
internal sealed class InMemoryListener : IPeerListener
{
    private readonly InMemoryNetwork _network;
    private readonly ServerDispatcher _dispatcher;
    private readonly TransportOptions _options;
    private readonly Lock _gate = new();
    private readonly List<Task> _calls = [];
    private bool _disposed;

    public InMemoryListener(InMemoryNetwork network, PeerAddress address, ServerDispatcher dispatcher, TransportOptions options)
    {
        _network = network;
        _dispatcher = dispatcher;
        _options = options;
        Address = address;
    }

    public PeerAddress Address { get; }

    /// <summary>Runs the handler on the caller's thread, up to its first wait.</summary>
    public void Accept(InMemoryServerWire wire)
    {
        Task call = _dispatcher.DispatchAsync(wire);
        lock (_gate)
        {
            _calls.RemoveAll(static done => done.IsCompleted);
            if (!call.IsCompleted)
                _calls.Add(call);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] calls;
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            calls = [.. _calls];
        }

        _network.Remove(Address);
        _dispatcher.Close();
        try
        {
            await Task.WhenAll(calls).WaitAsync(_options.CloseTimeout, _options.TimeProvider);
        }
        catch (TimeoutException)
        {
            // A handler that ignores its token is left behind; its client has been told nothing, like that of a dead process.
        }
    }
}
