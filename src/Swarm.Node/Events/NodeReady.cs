using Swarm.Models;
using Swarm.Protocol;
using Swarm.Protocol.Transport;

namespace Swarm.Node;

/// <summary>The node serves.</summary>
/// <param name="Peer">Who it is.</param>
/// <param name="Address">Where it listens.</param>
/// <param name="Invite">Text that lets others join.</param>
/// <param name="ModelName">For people.</param>
/// <param name="ModelIdentity">64 hexadecimal digits.</param>
/// <param name="Blocks">What it serves.</param>
/// <param name="MemoryBytes">Weights and the KV pool's budget.</param>
/// <param name="WeightBytes">Weights in memory.</param>
/// <param name="CacheTokens">Positions that the KV pool can hold.</param>
/// <param name="TokensPerSecond">Decode speed over these blocks, measured at start.</param>
/// <param name="ReadBytes">Stored bytes of the tensors that were read from the model's files, each once.</param>
public sealed record NodeReady(
    PeerId Peer, PeerAddress Address, string Invite, string ModelName, string ModelIdentity, BlockSpan Blocks, long MemoryBytes,
    long WeightBytes, long CacheTokens, double TokensPerSecond, long ReadBytes) : NodeEvent;
