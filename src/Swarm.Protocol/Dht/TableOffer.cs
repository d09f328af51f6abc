namespace Swarm.Protocol.Dht;

/// <summary>What became of a contact offered to a <see cref="RoutingTable"/>.</summary>
internal enum TableOffer
{
    /// <summary>It has a place already, and has been seen just now.</summary>
    Known,

    /// <summary>It got a place.</summary>
    Added,

    /// <summary>Its bucket is full: it waits until one of the bucket fails.</summary>
    Waits,

    /// <summary>It is this peer itself.</summary>
    Self,
}
