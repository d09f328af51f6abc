using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Swarm.Protocol;
using Swarm.Protocol.Transport;

namespace Swarm.Node.Hosting;

/// <summary>Where a node listens when it is told nothing, and which of its addresses others may dial.</summary>
internal static class OwnAddresses
{
    /// <summary>All addresses of this machine on a port: both families at once, or IPv4 alone where the platform has no IPv6.</summary>
    public static PeerAddress Everywhere(int port, bool hasIPv6) => new(hasIPv6 ? "::" : "0.0.0.0", port);

    /// <summary>What others can dial: the address listened on, or, for all addresses, those of this machine's interfaces.</summary>
    public static ImmutableArray<PeerAddress> Dialable(PeerAddress listening) => Dialable(listening, OfInterfaces);

    /// <summary>As <see cref="Dialable(PeerAddress)"/>, of these addresses: IPv4 first, none that holds on one link or this machine alone. Never empty.</summary>
    internal static ImmutableArray<PeerAddress> Dialable(PeerAddress listening, Func<IEnumerable<IPAddress>> interfaces)
    {
        if (!IPAddress.TryParse(listening.Host, out IPAddress? ip))
            return [listening];
        bool both = ip.Equals(IPAddress.IPv6Any);
        if (!both && !ip.Equals(IPAddress.Any))
            return [listening];
        ImmutableArray<PeerAddress> found =
        [
            .. interfaces()
                .Where(candidate => !IPAddress.IsLoopback(candidate))
                .Where(candidate => candidate.AddressFamily == AddressFamily.InterNetwork || (both && IsRoutable(candidate)))
                .OrderBy(candidate => candidate.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)
                .Select(candidate => new PeerAddress(candidate.ToString(), listening.Port))
                .Distinct()
                .Take(ChainLimits.MaxAddresses - 1),
        ];
        return found.IsEmpty ? [new PeerAddress(IPAddress.Loopback.ToString(), listening.Port)] : found;
    }

    private static bool IsRoutable(IPAddress address) =>
        address is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv6LinkLocal: false, IsIPv6SiteLocal: false, IsIPv6Multicast: false, IsIPv4MappedToIPv6: false };

    private static IEnumerable<IPAddress> OfInterfaces() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(card => card.OperationalStatus == OperationalStatus.Up && card.NetworkInterfaceType != NetworkInterfaceType.Loopback)
        .SelectMany(card => card.GetIPProperties().UnicastAddresses)
        .Select(unicast => unicast.Address);
}
