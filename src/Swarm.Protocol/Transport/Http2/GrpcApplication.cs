using Grpc.Core;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Swarm.Protocol.Transport;

/// <summary>What Kestrel runs for every request: the checks of gRPC over HTTP/2, then the dispatcher.</summary>
internal sealed class GrpcApplication : IHttpApplication<IFeatureCollection>
{
    private readonly ServerDispatcher _dispatcher;

    public GrpcApplication(ServerDispatcher dispatcher)
    {
        _dispatcher = dispatcher;
    }

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    public Task ProcessRequestAsync(IFeatureCollection context)
    {
        IHttpRequestFeature request = context.GetRequiredFeature<IHttpRequestFeature>();
        if (!HttpMethods.IsPost(request.Method))
            return Refuse(context, StatusCodes.Status405MethodNotAllowed);
        if (!IsGrpc(request.Headers.ContentType))
            return Refuse(context, StatusCodes.Status415UnsupportedMediaType);
        TimeSpan? timeout = null;
        if (request.Headers.TryGetValue(HeaderCodec.Timeout, out var text))
        {
            if (!TimeoutText.TryDecode(text.ToString(), out TimeSpan value))
                return Refuse(context, new Status(StatusCode.Internal, "grpc-timeout: expected one to eight digits and one of H, M, S, m, u, n"));
            timeout = value;
        }

        if (request.Headers.TryGetValue(HeaderCodec.Encoding, out var encoding) && encoding != HeaderCodec.Identity)
        {
            context.GetRequiredFeature<IHttpResponseFeature>().Headers[HeaderCodec.AcceptEncoding] = HeaderCodec.Identity;
            return Refuse(context, new Status(StatusCode.Unimplemented, $"grpc-encoding: expected {HeaderCodec.Identity}"));
        }

        if (request.Headers.TryGetValue(HeaderCodec.Purpose, out var purpose) && purpose == HeaderCodec.BulkPurpose && context.Get<UploadFlow>() is { } flow)
            flow.Purpose = ConnectionClass.Bulk;
        return _dispatcher.DispatchAsync(new KestrelServerWire(context, timeout));
    }

    private static bool IsGrpc(string? type) =>
        type is not null
        && type.StartsWith(HeaderCodec.ContentType, StringComparison.OrdinalIgnoreCase)
        && (type.Length == HeaderCodec.ContentType.Length || type[HeaderCodec.ContentType.Length] is '+' or ';');

    private static Task Refuse(IFeatureCollection context, int httpStatus)
    {
        context.GetRequiredFeature<IHttpResponseFeature>().StatusCode = httpStatus;
        return Task.CompletedTask;
    }

    private static Task Refuse(IFeatureCollection context, Status status) =>
        new KestrelServerWire(context, null).CompleteAsync(status, Metadata.Empty).AsTask();
}
