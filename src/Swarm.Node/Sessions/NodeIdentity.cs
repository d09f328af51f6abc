using Google.Protobuf;
using Swarm.Models;
using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>Who this node is and what it serves: what requests are checked against.</summary>
internal sealed record NodeIdentity(
    PeerId Peer, ByteString ModelIdentity, string ModelName, BlockSpan Blocks, int ModelBlocks, int Hidden, int Context);
