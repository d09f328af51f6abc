using Swarm.Models;

namespace Swarm.Client;

/// <summary>A model's blocks, in this process or spread over a swarm.</summary>
public interface IBlockChain : IAsyncDisposable
{
    /// <summary>Blocks that can be asked for.</summary>
    BlockSpan Blocks { get; }

    /// <summary>Opens a session.</summary>
    /// <exception cref="Protocol.SwarmException">NoRoute, NoCapacity, ModelMismatch, PeerUnreachable, InvalidArgument, …</exception>
    ValueTask<IChainSession> OpenAsync(ChainSessionOptions options, CancellationToken cancellationToken = default);

    /// <summary>Advances several sessions, in one pass over the weights where the chain can.</summary>
    ValueTask ForwardTogetherAsync(IReadOnlyList<ChainStep> steps, CancellationToken cancellationToken = default);
}
