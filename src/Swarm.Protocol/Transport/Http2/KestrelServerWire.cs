using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Swarm.Protocol.Transport;

/// <summary>A call as Kestrel sees it: features only, no pipeline of middleware.</summary>
internal sealed class KestrelServerWire : ServerWire
{
    private const int InternalError = 2;

    private readonly IFeatureCollection _features;
    private readonly IHttpResponseFeature _response;
    private readonly IHttpResponseBodyFeature _body;

    public KestrelServerWire(IFeatureCollection features, TimeSpan? timeout)
    {
        _features = features;
        _response = features.GetRequiredFeature<IHttpResponseFeature>();
        _body = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        Timeout = timeout;
        RequestReader = features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        Aborted = features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;

        // Read now: Kestrel reuses the features for another request once this one is over, and a handler may keep its context.
        IHttpRequestFeature request = features.GetRequiredFeature<IHttpRequestFeature>();
        Path = request.Path;
        Host = request.Headers.Host.ToString();
        Peer = ReadPeer(features);
        RequestHeaders = ReadHeaders(request);
        Caller = features.Get<PeerAuthContext>() ?? PeerAuthContext.None;
    }

    public override string Path { get; }

    public override string Host { get; }

    public override string Peer { get; }

    public override PeerAuthContext Caller { get; }

    public override Metadata RequestHeaders { get; }

    public override TimeSpan? Timeout { get; }

    public override PipeReader RequestReader { get; }

    public override PipeWriter ResponseWriter => _body.Writer;

    public override CancellationToken Aborted { get; }

    public override async ValueTask SendHeadersAsync(Metadata headers, bool flush)
    {
        _response.Headers.ContentType = HeaderCodec.ContentType;
        Write(_response.Headers, headers);
        await _body.StartAsync(Aborted);
        if (flush)
            await _body.Writer.FlushAsync(Aborted);
    }

    public override async ValueTask CompleteAsync(Status status, Metadata trailers)
    {
        IHeaderDictionary target;
        if (_response.HasStarted)
        {
            target = _features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;
        }
        else
        {
            target = _response.Headers;
            target.ContentType = HeaderCodec.ContentType;
        }

        target[HeaderCodec.Status] = ((int)status.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (!string.IsNullOrEmpty(status.Detail))
            target[HeaderCodec.Message] = StatusText.Encode(status.Detail);
        Write(target, trailers);
        await _body.CompleteAsync();
    }

    public override void Abort()
    {
        if (_features.Get<IHttpResetFeature>() is { } reset)
            reset.Reset(InternalError);
        else
            _features.Get<IHttpRequestLifetimeFeature>()?.Abort();
    }

    private static void Write(IHeaderDictionary target, Metadata metadata)
    {
        foreach (Metadata.Entry entry in metadata)
            if (!HeaderCodec.IsReserved(entry.Key))
                target.Append(entry.Key, HeaderCodec.Value(entry));
    }

    private static string ReadPeer(IFeatureCollection features)
    {
        IHttpConnectionFeature? connection = features.Get<IHttpConnectionFeature>();
        return connection?.RemoteIpAddress is not { } address
            ? "unknown"
            : address.AddressFamily == AddressFamily.InterNetworkV6 && !address.IsIPv4MappedToIPv6
                ? $"ipv6:{new IPEndPoint(address, connection.RemotePort)}"
                : $"ipv4:{new IPEndPoint(address.MapToIPv4(), connection.RemotePort)}";
    }

    private static Metadata ReadHeaders(IHttpRequestFeature request)
    {
        var metadata = new Metadata();
        foreach (KeyValuePair<string, StringValues> header in request.Headers)
            foreach (string? value in header.Value)
                HeaderCodec.Add(metadata, header.Key, value);
        return metadata.Freeze();
    }
}
