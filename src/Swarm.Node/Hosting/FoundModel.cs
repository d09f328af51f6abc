using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol.Directory;

namespace Swarm.Node.Hosting;

/// <summary>The node's model as the swarm knows it, and who else serves it.</summary>
/// <param name="Identity">What it is known by.</param>
/// <param name="Manifest">Its tensors' hashes.</param>
/// <param name="IsNew">Nobody served it: this node has hashed all tensors itself.</param>
/// <param name="Directory">Of those who serve it.</param>
/// <param name="Source">Its files, in the format of weights that the identity says.</param>
internal sealed record FoundModel(ModelIdentity Identity, ModelManifest Manifest, bool IsNew, SwarmDirectory Directory, ModelSource Source)
{
    /// <summary>Hash of the description that the swarm goes by, as far as this node knows one; what its invites vouch for.</summary>
    public ByteString Description { get; init; } = ByteString.Empty;

    /// <summary>The same where this node has that description and hands it out; else empty.</summary>
    public ByteString Vouched { get; init; } = ByteString.Empty;
}
