using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Dht;

/// <summary>The swarm's records as one peer sees them. What peers and networks do wrong is in the outcomes; nothing is thrown but for the caller's own mistakes and cancellation.</summary>
public interface IRecordNetwork
{
    /// <summary>Brings a record of this peer to the peers nearest to its key. Its signer sends a newer one well before the lifetime ends.</summary>
    /// <exception cref="ArgumentException">The record would be refused by everybody; the message names why.</exception>
    Task<StoreOutcome> StoreAsync(SignedRecord record, CancellationToken cancellationToken);

    /// <summary>The live records under a key, verified, the newest of each signer.</summary>
    Task<FindOutcome> FindAsync(DhtKey key, CancellationToken cancellationToken);

    /// <summary>How long one call to a peer takes; null when it does not answer, or somebody else does.</summary>
    Task<TimeSpan?> PingAsync(PeerEndpoint endpoint, CancellationToken cancellationToken);
}
