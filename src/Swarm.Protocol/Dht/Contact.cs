using System.Collections.Immutable;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Dht;

/// <summary>A peer that can be dialled, and its place. Immutable.</summary>
internal sealed class Contact
{
    private DhtContact? _wire;

    public Contact(PeerId peer, ImmutableArray<PeerAddress> addresses)
    {
        Endpoint = new PeerEndpoint(peer, addresses);
        Place = DhtKey.Of(peer);
    }

    public PeerEndpoint Endpoint { get; }

    public PeerId Peer => Endpoint.Peer;

    public DhtKey Place { get; }

    /// <summary>Reads a contact that a peer names; null when a field is outside its limits.</summary>
    public static Contact? TryRead(DhtContact wire)
    {
        if (!PeerId.TryRead(wire.Peer, out PeerId peer) || peer.IsNone)
            return null;
        ImmutableArray<PeerAddress> addresses = TryReadAddresses(wire.Addresses);
        return addresses.IsDefaultOrEmpty ? null : new Contact(peer, addresses);
    }

    /// <summary>Reads addresses from the wire; the default array when there are too many or one is none.</summary>
    public static ImmutableArray<PeerAddress> TryReadAddresses(IReadOnlyList<string> texts)
    {
        if (texts.Count > DhtLimits.MaxAddresses)
            return default;
        var addresses = ImmutableArray.CreateBuilder<PeerAddress>(texts.Count);
        foreach (string text in texts)
        {
            if (!PeerAddress.TryParse(text, out PeerAddress address) || address.Port == 0)
                return default;
            addresses.Add(address);
        }

        return addresses.DrainToImmutable();
    }

    public DhtContact ToWire()
    {
        if (_wire is { } known)
            return known;
        var wire = new DhtContact { Peer = Peer.ToByteString() };
        foreach (PeerAddress address in Endpoint.Addresses)
            wire.Addresses.Add(address.ToString());
        return _wire = wire;
    }

    public override string ToString() => $"{Peer.Short} at {string.Join(", ", Endpoint.Addresses)}";
}
