using Grpc.Core;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Links;

/// <summary>What a failed call says about the swarm.</summary>
public static class RpcFaults
{
    /// <summary>The fault behind a transport's exception.</summary>
    /// <param name="exception">What the call threw.</param>
    /// <param name="called">Who was called.</param>
    /// <param name="lost">PeerUnreachable or PeerLost: what a broken connection means here.</param>
    /// <param name="peer">Who it was; default: whom the endpoint names.</param>
    public static SwarmException Translate(Exception exception, PeerEndpoint called, FaultKind lost, PeerId? peer = null)
    {
        // A call whose time was over was cancelled here; who reads of it wants to know what was waited for.
        bool late = lost == FaultKind.PeerUnreachable && exception is RpcException { StatusCode: StatusCode.Cancelled or StatusCode.DeadlineExceeded };
        string detail = late ? "no answer in time"
            : exception is RpcException { Status.Detail: { Length: > 0 } text } ? text : exception.Message;
        FaultKind kind = exception switch
        {
            RpcException { StatusCode: StatusCode.Unimplemented } => FaultKind.VersionMismatch,
            RpcException { StatusCode: StatusCode.InvalidArgument } => FaultKind.InvalidArgument,
            RpcException { StatusCode: StatusCode.FailedPrecondition } => FaultKind.VersionMismatch,
            RpcException { StatusCode: StatusCode.Unauthenticated } => FaultKind.NotAMember,
            RpcException { StatusCode: StatusCode.NotFound } => FaultKind.ModelMismatch,
            RpcException { StatusCode: StatusCode.DeadlineExceeded } => FaultKind.PeerUnreachable,
            _ => lost,
        };
        PeerId who = peer is { IsNone: false } known ? known : called.Peer;
        return new SwarmException(kind, $"{called}: {detail}", who.IsNone ? null : who, inner: exception);
    }
}
