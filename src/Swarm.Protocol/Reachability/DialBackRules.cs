using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Grpc.Core;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Reachability;

/// <summary>What is dialled back, and what the result means. Plain functions.</summary>
public static class DialBackRules
{
    /// <summary>The address to dial: the one that the connection comes from, as the transport tells it, with the port that the caller names; null where the transport tells no IP address.</summary>
    /// <param name="observed">As <see cref="ServerCallContext.Peer"/>: <c>ipv4:1.2.3.4:5000</c> or <c>ipv6:[::1]:5000</c>.</param>
    /// <param name="port">1 to 65535.</param>
    public static PeerAddress? Target(string observed, int port)
    {
        int colon = observed.IndexOf(':');
        if (colon < 0 || observed[..colon] is not ("ipv4" or "ipv6") || !IPEndPoint.TryParse(observed.AsSpan(colon + 1), out IPEndPoint? from))
            return null;
        IPAddress address = from.Address.IsIPv4MappedToIPv6 ? from.Address.MapToIPv4() : from.Address;
        // A scope names an interface of this machine; whoever asked can do nothing with it.
        return address.AddressFamily == AddressFamily.InterNetworkV6 && address.IsIPv6LinkLocal ? null : new PeerAddress(address.ToString(), port);
    }

    /// <summary>What a failed dial says.</summary>
    /// <param name="exception">What the transport threw.</param>
    public static DialBackOutcome Read(Exception exception)
    {
        // A peer that had been let in has answered with a status of its own, and only the caller is let in.
        if (exception is RpcException { StatusCode: StatusCode.NotFound or StatusCode.Unimplemented or StatusCode.ResourceExhausted })
            return DialBackOutcome.Reached;
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case TransportException { AnotherAnswered: true }:
                case AuthenticationException:
                    return DialBackOutcome.OtherPeer;
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused }:
                    return DialBackOutcome.Refused;
                case SocketException { SocketErrorCode: SocketError.TimedOut }:
                case OperationCanceledException:
                case RpcException { StatusCode: StatusCode.DeadlineExceeded or StatusCode.Cancelled }:
                    return DialBackOutcome.TimedOut;
                default:
                    break;
            }
        }

        return DialBackOutcome.Failed;
    }
}
