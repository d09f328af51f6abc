using Google.Protobuf;

namespace Grpc.Core;

/// <summary>The richer error: <c>google.rpc.Status</c> in the trailer <c>grpc-status-details-bin</c>.</summary>
public static class RpcStatusExtensions
{
    /// <summary>The trailer that holds the details.</summary>
    public const string StatusDetailsTrailerName = "grpc-status-details-bin";

    // A details trailer of a peer is parsed only up to this size; the transport limits all trailers together as well.
    private const int MaxBytes = 64 << 10;

    /// <summary>An exception whose trailers carry the details to the other side.</summary>
    public static RpcException ToRpcException(this Google.Rpc.Status status)
    {
        ArgumentNullException.ThrowIfNull(status);
        return new RpcException(new Status((StatusCode)status.Code, status.Message), new Metadata { { StatusDetailsTrailerName, status.ToByteArray() } });
    }

    /// <summary>The details, or null when there are none, or they do not parse.</summary>
    public static Google.Rpc.Status? GetRpcStatus(this RpcException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        if (exception.Trailers.GetValueBytes(StatusDetailsTrailerName) is not { Length: <= MaxBytes } bytes)
            return null;
        try
        {
            return Google.Rpc.Status.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
