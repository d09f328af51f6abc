using System.Collections.Immutable;

namespace Swarm.Protocol.Dht;

/// <summary>What became of a record that was to be stored.</summary>
/// <param name="Holders">Peers that hold it now, this one included where it is near the key, nearest first.</param>
/// <param name="Refusals">Who refused it, and why.</param>
/// <param name="Unreached">Peers near the key that did not answer.</param>
public sealed record StoreOutcome(ImmutableArray<PeerId> Holders, ImmutableArray<(PeerId Peer, RecordRefusal Refusal)> Refusals, int Unreached)
{
    /// <summary>Whether anybody holds it.</summary>
    public bool IsStored => Holders.Length > 0;
}
