using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Swarm.Protocol.Transport;

/// <summary>A Kestrel server at one address.</summary>
internal sealed class GrpcListener : IPeerListener
{
    private readonly KestrelServer _server;
    private readonly ServerDispatcher _dispatcher;
    private readonly TlsListener? _tls;
    private readonly LaneHost _lanes;
    private readonly TransportOptions _options;
    private readonly Action<GrpcListener> _closed;
    private int _disposed;

    public GrpcListener(KestrelServer server, ServerDispatcher dispatcher, TlsListener? tls, LaneHost lanes, PeerAddress address, TransportOptions options, Action<GrpcListener> closed)
    {
        _server = server;
        _dispatcher = dispatcher;
        _tls = tls;
        _lanes = lanes;
        _options = options;
        _closed = closed;
        Address = address;
    }

    public PeerAddress Address { get; }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _closed(this);
        _dispatcher.Close();
        using (var patience = new CancellationTokenSource(_options.CloseTimeout, _options.TimeProvider))
        {
            Task lanes = _lanes.CloseAsync(patience.Token);
            await _server.StopAsync(patience.Token);
            await lanes;
        }

        _server.Dispose();
        _tls?.Dispose();
        _dispatcher.Dispose();
    }
}
