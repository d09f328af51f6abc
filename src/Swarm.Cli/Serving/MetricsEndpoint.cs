using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Swarm.Node.Metrics;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Serving;

/// <summary>
/// Answers <c>/metrics</c> (Prometheus' text format), <c>/healthz</c> (the process lives) and <c>/readyz</c> (503 while the node takes no work) over HTTP/1.1, where
/// it is told to listen and nowhere else. It asks nobody who they are: it is for the machine itself or a network of one's own.
/// </summary>
internal sealed class MetricsEndpoint : IAsyncDisposable
{
    private const int MostConnections = 64;
    private static readonly TimeSpan HeadersTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CloseTime = TimeSpan.FromSeconds(1);

    private readonly KestrelServer _server;
    private readonly MetricsCollector _collector;
    private readonly TimeProvider _time;

    private MetricsEndpoint(KestrelServer server, MetricsCollector collector, PeerAddress address, TimeProvider time)
    {
        _server = server;
        _collector = collector;
        _time = time;
        Address = address;
    }

    /// <summary>Where it listens.</summary>
    public PeerAddress Address { get; }

    /// <param name="address">Port 0 takes any free port.</param>
    /// <param name="obstacle">Why the node takes no work, or null.</param>
    /// <exception cref="AddressUnavailableException">The address cannot be listened on.</exception>
    public static async Task<MetricsEndpoint> StartAsync(
        PeerAddress address, Func<string?> obstacle, ILoggerFactory log, TimeProvider time, CancellationToken cancellationToken)
    {
        ListenOptions? bound = null;
        KestrelServerOptions options = new() { AddServerHeader = false };
        options.Limits.MaxConcurrentConnections = MostConnections;
        options.Limits.MaxRequestBodySize = 0;
        options.Limits.MaxRequestHeadersTotalSize = 8 << 10;
        options.Limits.RequestHeadersTimeout = HeadersTime;
        options.Listen(await ResolveAsync(address, cancellationToken), address.Port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            bound = listen;
        });
        KestrelServer server = new(Options.Create(options), new SocketTransportFactory(Options.Create(new SocketTransportOptions()), log), log);
        MetricsCollector collector = new();
        try
        {
            await server.StartAsync(new Application(collector, obstacle), cancellationToken);
        }
        catch (Exception exception)
        {
            server.Dispose();
            collector.Dispose();
            throw exception switch
            {
                IOException { InnerException: AddressInUseException } => new AddressUnavailableException(address, inUse: true, exception),
                SocketException => new AddressUnavailableException(address, inUse: false, exception),
                _ => exception,
            };
        }

        return new MetricsEndpoint(server, collector, new PeerAddress(address.Host, bound!.IPEndPoint!.Port), time);
    }

    public async ValueTask DisposeAsync()
    {
        using (CancellationTokenSource patience = new(CloseTime, _time))
            await _server.StopAsync(patience.Token);
        _server.Dispose();
        _collector.Dispose();
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

    private sealed class Application(MetricsCollector collector, Func<string?> obstacle) : IHttpApplication<IFeatureCollection>
    {
        private const string PlainText = "text/plain; charset=utf-8";

        public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

        public void DisposeContext(IFeatureCollection context, Exception? exception)
        {
        }

        public async Task ProcessRequestAsync(IFeatureCollection context)
        {
            IHttpRequestFeature request = context.GetRequiredFeature<IHttpRequestFeature>();
            IHttpResponseFeature response = context.GetRequiredFeature<IHttpResponseFeature>();
            (int status, string type, string text) = Answer(request.Path);
            if (status != StatusCodes.Status404NotFound && !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
            {
                (status, type, text) = (StatusCodes.Status405MethodNotAllowed, PlainText, "expected GET or HEAD\n");
                response.Headers.Allow = "GET, HEAD";
            }

            byte[] body = Encoding.UTF8.GetBytes(text);
            response.StatusCode = status;
            response.Headers.ContentType = type;
            response.Headers.ContentLength = body.Length;
            response.Headers.CacheControl = "no-store";
            if (!HttpMethods.IsHead(request.Method))
                await context.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(body);
        }

        private (int Status, string Type, string Text) Answer(string path) => path switch
        {
            "/metrics" => (StatusCodes.Status200OK, MetricsCollector.ContentType, collector.Collect()),
            "/healthz" => (StatusCodes.Status200OK, PlainText, "alive\n"),
            "/readyz" => obstacle() is { } reason
                ? (StatusCodes.Status503ServiceUnavailable, PlainText, $"not ready: {reason}\n")
                : (StatusCodes.Status200OK, PlainText, "ready\n"),
            _ => (StatusCodes.Status404NotFound, PlainText, "expected /metrics, /healthz or /readyz\n"),
        };
    }
}
