using System.Diagnostics.Metrics;

namespace Swarm.Node.Metrics;

/// <summary>What a node tells of itself when somebody asks: read from its own properties, nothing is kept.</summary>
public sealed class NodeMetrics : IDisposable
{
    private readonly Meter _meter = new(NodeMeter.Name);

    public NodeMetrics(NodeHost node)
    {
        ArgumentNullException.ThrowIfNull(node);
        _meter.CreateObservableUpDownCounter("swarm.node.sessions", () => node.Sessions, "{session}", "Sessions open now.");
        _meter.CreateObservableUpDownCounter("swarm.node.kv.used", () => node.CacheBytesUsed, "By", "Keys and values that sessions hold.");
        _meter.CreateObservableUpDownCounter("swarm.node.kv.free", () => node.CacheTokensFree, "{token}", "Positions that could still be promised to sessions.");
        _meter.CreateObservableUpDownCounter(
            "swarm.node.prefix.used", () => node.PrefixBytesUsed, "By", "Pages that no session holds and that later sessions with the same beginning would find; others' need evicts them.");
        _meter.CreateObservableUpDownCounter("swarm.node.blocks", () => node.Blocks.Count, "{block}", "Blocks served.");
        _meter.CreateObservableGauge("swarm.node.blocks.first", () => node.Blocks.Start, "{block}", "The first block served.");
        _meter.CreateObservableUpDownCounter(
            "swarm.directory.nodes", () => node.Directory.Nodes.Length, "{node}", "Nodes of the model that this node knows, itself included.");
        _meter.CreateObservableUpDownCounter("swarm.dht.records", () => node.HeldRecords, "{record}", "Records of the swarm's DHT that this node holds.");
        _meter.CreateObservableCounter("swarm.node.passes", () => node.Passes, "{pass}", "Passes over the weights.");
        _meter.CreateObservableCounter("swarm.node.steps.shared", () => node.SharedSteps, "{step}", "Steps that shared a pass with another session's.");
        _meter.CreateObservableCounter("swarm.node.tensors.sent", () => node.TensorBytesSent, "By", "Bytes of the model that were handed to other members.");
        _meter.CreateObservableCounter("swarm.node.tensors.received", () => node.TensorBytesReceived, "By", "Bytes of the model that came from elsewhere.");
        _meter.CreateObservableCounter("swarm.node.tensors.yields", () => node.TensorYields, "{wait}", "Times that a part waited to be handed out because the node computed.");
    }

    public void Dispose() => _meter.Dispose();
}
