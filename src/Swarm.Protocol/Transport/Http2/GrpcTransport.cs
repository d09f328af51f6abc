using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Swarm.Protocol.Transport;

/// <summary>
/// gRPC over HTTP/2: Kestrel serves, <see cref="SocketsHttpHandler"/> calls. Kestrel is configured here and nowhere else: no settings files,
/// no environment, no console, no routing. With credentials everything goes over TLS, which our own code speaks on both sides (<see cref="TlsListener"/>,
/// <see cref="PeerDialler"/>); without, it is clear text with prior knowledge. Peers of this program carry a
/// stream on which somebody waits for each message by a connection of its own instead (<see cref="Lane"/>).
/// </summary>
public sealed class GrpcTransport : ITransport
{
    private const int BulkWindowBytes = 2 << 20;
    private const int DecodeWindowBytes = 1 << 18;

    private readonly TransportOptions _options;
    private readonly TlsSettings? _tls;
    private readonly ConnectionMeter _meter;
    private readonly PeerDialler _dialler;
    private readonly LaneCaller _lanes;
    private readonly HttpMessageInvoker _decode;
    private readonly HttpMessageInvoker _bulk;
    private readonly Lock _gate = new();
    private readonly List<GrpcListener> _listeners = [];
    private long _http2Calls;
    private bool _disposed;

    public GrpcTransport(TransportOptions? options = null)
    {
        _options = options ?? new TransportOptions();
        _tls = _options.Credentials is { } credentials ? new TlsSettings(credentials) : null;
        _meter = new ConnectionMeter(_options.UploadLimiter, WireTraffic.Process);
        _dialler = new PeerDialler(_options, _tls, _meter);
        _lanes = new LaneCaller(_dialler, _options);
        _decode = Invoker(ConnectionClass.Decode, DecodeWindowBytes);
        _bulk = Invoker(ConnectionClass.Bulk, BulkWindowBytes);
    }

    /// <summary>Calls that this transport has made by lanes, and by HTTP/2.</summary>
    public (long Lane, long Http2) Calls => (_lanes.Calls, Interlocked.Read(ref _http2Calls));

    /// <summary>Calls of every kind take lanes, so that all that holds for calls can be seen to hold there.</summary>
    internal bool AllCallsByLane { get; init; }

    public async ValueTask<IPeerListener> ListenAsync(PeerAddress address, IReadOnlyList<ServerServiceDefinition> services, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(services);
        ObjectDisposedException.ThrowIf(_disposed, this);
        IPAddress ip = await ResolveAsync(address, cancellationToken);
        var dispatcher = new ServerDispatcher(services, _options);
        var lanes = new LaneHost(dispatcher, _options);
        TlsListener? tls = _tls is null ? null : new TlsListener(_options, _tls, _meter, lanes);
        ListenOptions? bound = null;
        KestrelServerOptions kestrel = ServerOptions();
        kestrel.Listen(ip, address.Port, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            bound = listen;
        });
        var server = new KestrelServer(
            Options.Create(kestrel),
            new PeerListenerFactory(tls is null ? AdmitAnybody : tls.Admit, _options.TimeProvider),
            _options.LoggerFactory);
        try
        {
            await server.StartAsync(new GrpcApplication(dispatcher), cancellationToken);
        }
        catch (Exception exception)
        {
            server.Dispose();
            dispatcher.Dispose();
            tls?.Dispose();
            if (exception is IOException && exception.InnerException is AddressInUseException)
                throw new AddressUnavailableException(address, inUse: true, exception);
            if (exception is SocketException)
                throw new AddressUnavailableException(address, inUse: false, exception);
            throw;
        }

        var listener = new GrpcListener(server, dispatcher, tls, lanes, new PeerAddress(address.Host, bound!.IPEndPoint!.Port), _options, Forget);
        lock (_gate)
            _listeners.Add(listener);
        return listener;
    }

    public CallInvoker Connect(PeerEndpoint endpoint, ConnectionClass purpose)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ObjectDisposedException.ThrowIf(_disposed, this);
        var name = new EndpointName(endpoint, secure: _tls is not null);
        HttpMessageInvoker invoker = purpose == ConnectionClass.Bulk ? _bulk : _decode;
        ClientWire Http()
        {
            Interlocked.Increment(ref _http2Calls);
            TransportMeter.BeganCall("http2");
            return new HttpClientWire(invoker, name, purpose);
        }

        return new WireCallInvoker(method => IsForLane(method, purpose) ? new LaneClientWire(_lanes, name, Http) : Http(), _options);
    }

    public async ValueTask DisposeAsync()
    {
        GrpcListener[] listeners;
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            listeners = [.. _listeners];
        }

        foreach (GrpcListener listener in listeners)
            await listener.DisposeAsync();
        _decode.Dispose();
        _bulk.Dispose();
        _dialler.Dispose();
    }

    private static async ValueTask<IPAddress> ResolveAsync(PeerAddress address, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(address.Host, out IPAddress? ip))
            return ip;
        try
        {
            IPAddress[] found = await Dns.GetHostAddressesAsync(address.Host, cancellationToken);
            return Array.Find(found, candidate => candidate.AddressFamily == AddressFamily.InterNetwork) ?? found[0];
        }
        catch (SocketException exception)
        {
            throw new AddressUnavailableException(address, inUse: false, exception);
        }
    }

    // A stream in both directions on which somebody waits for each message is worth a connection, and a thread, of its own.
    private bool IsForLane(IMethod method, ConnectionClass purpose) =>
        _tls is not null && purpose == ConnectionClass.Decode && (method.Type == MethodType.DuplexStreaming || AllCallsByLane);

    private void AdmitAnybody(Socket socket, Action<ConnectionContext> http)
    {
        try
        {
            MeteredStream connection = _meter.Wrap(new PeerSocketStream(socket), ConnectionClass.Decode);
            var served = new StreamConnection(connection, socket.LocalEndPoint, socket.RemoteEndPoint, connection.Cut, null);
            served.Features.Set(connection.Flow);
            http(served);
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // Gone before it was looked at.
            socket.Dispose();
        }
    }

    private async ValueTask<Stream> DialAsync(PeerRequest request, ConnectionClass purpose, CancellationToken cancellationToken)
    {
        Stream connection = await _dialler.DialAsync(request.Endpoint.Endpoint, request.Endpoint.Host, purpose, cancellationToken);
        request.Dialled = connection as PeerStream;
        return connection;
    }

    private HttpMessageInvoker Invoker(ConnectionClass purpose, int windowBytes) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = _options.ConnectTimeout,
        ConnectCallback = (context, cancellationToken) => DialAsync((PeerRequest)context.InitialRequestMessage, purpose, cancellationToken),
        EnableMultipleHttp2Connections = true,
        InitialHttp2StreamWindowSize = windowBytes,
        KeepAlivePingDelay = _options.KeepAlivePingDelay,
        KeepAlivePingTimeout = _options.KeepAlivePingTimeout,
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
        MaxResponseHeadersLength = Math.Max(_options.MaxMetadataBytes >> 10, 1),
    });

    private KestrelServerOptions ServerOptions()
    {
        var options = new KestrelServerOptions { AddServerHeader = false, AllowAlternateSchemes = true };
        KestrelServerLimits limits = options.Limits;
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.MaxConcurrentConnections = _tls is null ? _options.MaxConnections : null;
        limits.MaxRequestHeadersTotalSize = _options.MaxMetadataBytes;
        limits.KeepAliveTimeout = TimeSpan.FromMinutes(5);
        limits.Http2.MaxStreamsPerConnection = _options.MaxCallsPerConnection;
        limits.Http2.MaxRequestHeaderFieldSize = Math.Min(_options.MaxMetadataBytes, 16 << 10);
        limits.Http2.InitialStreamWindowSize = BulkWindowBytes;
        limits.Http2.InitialConnectionWindowSize = 2 * BulkWindowBytes;
        limits.Http2.KeepAlivePingDelay = _options.KeepAlivePingDelay;
        limits.Http2.KeepAlivePingTimeout = _options.KeepAlivePingTimeout;
        return options;
    }

    private void Forget(GrpcListener listener)
    {
        lock (_gate)
            _listeners.Remove(listener);
    }
}
