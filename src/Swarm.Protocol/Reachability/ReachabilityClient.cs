using Grpc.Core;
using Swarm.Protocol.Links;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Reachability;

/// <summary>Asks others to dial this node back.</summary>
public sealed class ReachabilityClient(ITransport transport, TimeProvider time)
{
    /// <summary>How long an answer may take: the other's dial and the way there and back.</summary>
    private static readonly TimeSpan Patience = ReachabilityService.DialTime + TimeSpan.FromSeconds(3);

    /// <summary>Has a peer dial this node back.</summary>
    /// <param name="peer">Who shall dial.</param>
    /// <param name="port">Where this node listens.</param>
    /// <param name="cancellationToken">Ends waiting.</param>
    /// <exception cref="SwarmException">The peer cannot be asked: PeerUnreachable, VersionMismatch, NotAMember, NoCapacity where it has been asked too often.</exception>
    public async Task<DialBackAnswer> AskAsync(PeerEndpoint peer, int port, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            using AsyncUnaryCall<DialBackResponse> call = transport.Connect(peer, ConnectionClass.Bulk).AsyncUnaryCall(
                ReachabilityMethods.DialBack, null, new CallOptions(cancellationToken: both.Token),
                new DialBackRequest { WireVersion = WireVersion.Current, Port = (uint)port });
            DialBackResponse response = await call.ResponseAsync;
            DialBackOutcome outcome = Enum.IsDefined(response.Outcome) ? response.Outcome : DialBackOutcome.NotTried;
            return new DialBackAnswer(outcome, PeerAddress.TryParse(response.Observed, out PeerAddress observed) ? observed : null);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
        {
            throw new SwarmException(FaultKind.NoCapacity, $"{peer}: {exception.Status.Detail}", peer.Peer, inner: exception);
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw RpcFaults.Translate(exception, peer.Addresses[0], FaultKind.PeerUnreachable, peer.Peer);
        }
    }
}
