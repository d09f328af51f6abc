using System.Collections.Immutable;

namespace Swarm.Protocol.Transport;

/// <summary>Whom to call and where: a peer and the addresses it may be reached at. Equal when both are.</summary>
public sealed class PeerEndpoint : IEquatable<PeerEndpoint>
{
    private readonly int _hash;

    /// <param name="peer">Who must answer; none: any member of the swarm, as at bootstrap.</param>
    /// <param name="addresses">Tried in turn; 1 to 16.</param>
    /// <exception cref="ArgumentException">No address, or too many.</exception>
    public PeerEndpoint(PeerId peer, ImmutableArray<PeerAddress> addresses)
    {
        if (addresses.IsDefaultOrEmpty || addresses.Length > ChainLimits.MaxInviteAddresses)
            throw new ArgumentException($"{(addresses.IsDefault ? 0 : addresses.Length)} addresses, expected 1 to {ChainLimits.MaxInviteAddresses}", nameof(addresses));
        Peer = peer;
        Addresses = addresses;
        var hash = default(HashCode);
        hash.Add(peer);
        foreach (PeerAddress address in addresses)
            hash.Add(address);
        _hash = hash.ToHashCode();
    }

    public PeerEndpoint(PeerId peer, PeerAddress address)
        : this(peer, [address])
    {
    }

    /// <summary>Who must answer; none: any member.</summary>
    public PeerId Peer { get; }

    /// <summary>Tried in turn; at least one.</summary>
    public ImmutableArray<PeerAddress> Addresses { get; }

    public static implicit operator PeerEndpoint(PeerAddress address) => new(default, address);

    public bool Equals(PeerEndpoint? other) =>
        ReferenceEquals(this, other) || (other is not null && _hash == other._hash && Peer == other.Peer && Addresses.AsSpan().SequenceEqual(other.Addresses.AsSpan()));

    public override bool Equals(object? obj) => Equals(obj as PeerEndpoint);

    public override int GetHashCode() => _hash;

    /// <summary>The first address, how many more there are, and the peer's short id.</summary>
    public override string ToString()
    {
        string where = Addresses.Length == 1 ? Addresses[0].ToString() : $"{Addresses[0]} (+{Addresses.Length - 1})";
        return Peer.IsNone ? where : $"{Peer.Short}@{where}";
    }
}
