using System.Net.Sockets;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>Which status a failure of the network gets. HTTP/2 codes are translated as the gRPC protocol says.</summary>
internal static class WireErrors
{
    public static Status Translate(Exception exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case RpcException rpc:
                    return rpc.Status;
                case TransportException transport:
                    return new Status(transport.Status.StatusCode, transport.Status.Detail, transport);
                case HttpProtocolException http:
                    return new Status(FromHttp2(http.ErrorCode), $"the peer reset the stream: {http.Message}", exception);
                case SocketException socket:
                    return new Status(StatusCode.Unavailable, $"the peer cannot be reached: {socket.Message}", exception);
                case UriFormatException:
                    return new Status(StatusCode.Unavailable, $"the peer's address cannot be dialled: {cause.Message}", exception);
                case HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded }:
                    return new Status(StatusCode.ResourceExhausted, $"headers are over the limit: {cause.Message}", exception);
                default:
                    break;
            }
        }

        return exception switch
        {
            OperationCanceledException => new Status(StatusCode.Cancelled, "cancelled", exception),
            IOException or HttpRequestException or ObjectDisposedException => new Status(StatusCode.Unavailable, $"the connection is gone: {exception.Message}", exception),
            _ => new Status(StatusCode.Internal, $"{exception.GetType().Name}: {exception.Message}", exception),
        };
    }

    public static Status FromHttpStatus(int code) => new(
        code switch
        {
            400 => StatusCode.Internal,
            401 => StatusCode.Unauthenticated,
            403 => StatusCode.PermissionDenied,
            404 => StatusCode.Unimplemented,
            431 => StatusCode.ResourceExhausted,
            429 or 502 or 503 or 504 => StatusCode.Unavailable,
            _ => StatusCode.Unknown,
        },
        $"the peer answered HTTP {code}, expected 200");

    private static StatusCode FromHttp2(long code) => code switch
    {
        // No error, but no answer either: the peer closes. And a stream that it did not begin to serve. A protocol error is also how a ping without an answer is
        // reported, by number not to be told from a peer that breaks HTTP/2: neither is there to be talked to.
        0x0 or 0x1 or 0x7 => StatusCode.Unavailable,
        0x8 => StatusCode.Cancelled,
        0xB => StatusCode.ResourceExhausted,
        0xC => StatusCode.PermissionDenied,
        _ => StatusCode.Internal,
    };
}
