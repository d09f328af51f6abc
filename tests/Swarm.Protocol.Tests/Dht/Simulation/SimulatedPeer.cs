using Swarm.Protocol.Dht;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Dht.Simulation;

/// <summary>One peer of a <see cref="SimulatedSwarm"/>.</summary>
internal sealed class SimulatedPeer(PeerKey key, PeerAddress address)
{
    public PeerKey Key => key;

    public PeerId Id => key.Id;

    public PeerAddress Address => address;

    public DhtNode Node { get; set; } = null!;

    public SimulatedFate Fate { get; set; }

    /// <summary>What it says when it is asked for records, where it lies.</summary>
    public Func<FindRecordsRequest, FindRecordsResponse>? Lie { get; set; }
}
