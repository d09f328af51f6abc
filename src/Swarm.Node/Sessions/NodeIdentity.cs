using Google.Protobuf;
using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>Who this node is and of which model: what requests are checked against.</summary>
internal sealed record NodeIdentity(
    PeerId Peer, ByteString ModelIdentity, string ModelName, int ModelBlocks, int Hidden, int Vocabulary, int Context);
