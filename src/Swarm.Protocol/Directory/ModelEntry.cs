using Google.Protobuf;

namespace Swarm.Protocol.Directory;

/// <summary>A model that a swarm serves, as its nodes say.</summary>
/// <param name="Identity">32 bytes.</param>
/// <param name="Name">For people.</param>
/// <param name="Blocks">Blocks of the whole model.</param>
/// <param name="ConfigHash">SHA-256 of its configuration, 32 bytes.</param>
/// <param name="Nodes">Who says so, the dead of the last minute included.</param>
public sealed record ModelEntry(ByteString Identity, string Name, int Blocks, ByteString ConfigHash, int Nodes);
