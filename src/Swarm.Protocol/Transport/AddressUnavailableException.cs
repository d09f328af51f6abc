namespace Swarm.Protocol.Transport;

/// <summary>An address cannot be listened on.</summary>
public sealed class AddressUnavailableException : IOException
{
    public AddressUnavailableException(PeerAddress address, bool inUse, Exception? inner = null)
        : base(inUse ? $"address {address} is in use by another program" : $"cannot listen on {address}: it is not an address of this machine{(inner is null ? "" : $" ({inner.Message})")}", inner)
    {
        Address = address;
        InUse = inUse;
    }

    public PeerAddress Address { get; }

    /// <summary>True: somebody else listens there. False: the address itself cannot be bound.</summary>
    public bool InUse { get; }
}
