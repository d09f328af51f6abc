using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Hosting;

/// <summary>The swarm that a node belongs to, and what it knows of it at the start.</summary>
/// <param name="Swarm">16 bytes.</param>
/// <param name="Identity">The model that the swarm serves.</param>
/// <param name="Manifest">Its tensors' hashes.</param>
/// <param name="Founded">This node begins the swarm.</param>
/// <param name="Inviters">Whom to register with.</param>
/// <param name="Known">Announcements that came with the list.</param>
internal sealed record SwarmMembership(
    ByteString Swarm, ModelIdentity Identity, ModelManifest Manifest, bool Founded, IReadOnlyList<PeerAddress> Inviters, DirectoryList? Known);
