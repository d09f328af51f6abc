using Swarm.Protocol.Directory;

namespace Swarm.Protocol.Weights;

/// <summary>The nodes that serve a model.</summary>
public sealed class DirectoryHolders(SwarmDirectory directory) : IBlobHolders
{
    public IReadOnlyList<NodeEntry> Nodes => directory.Snapshot.Nodes;

    public void ReportFailure(PeerId peer, FaultKind fault) => directory.ReportFailure(peer, fault);

    public Task RefreshAsync(CancellationToken cancellationToken) => directory.RefreshAsync(cancellationToken);
}
