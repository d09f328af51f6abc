using Swarm.Protocol.Directory;

namespace Swarm.Protocol.Weights;

/// <summary>Who may have what is wanted.</summary>
public interface IBlobHolders
{
    /// <summary>Those who can be asked now.</summary>
    IReadOnlyList<NodeEntry> Nodes { get; }

    /// <summary>A call to a peer failed, or its bytes are wrong.</summary>
    void ReportFailure(PeerId peer, FaultKind fault);

    /// <summary>Looks for others.</summary>
    Task RefreshAsync(CancellationToken cancellationToken);
}
