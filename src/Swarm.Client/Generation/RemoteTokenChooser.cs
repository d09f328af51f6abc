namespace Swarm.Client;

/// <summary>The last node chooses.</summary>
internal sealed class RemoteTokenChooser(InferenceSession session) : ITokenChooser
{
    public ValueTask<int> PrefillAsync(ReadOnlyMemory<int> ids, int chunk, CancellationToken cancellationToken) =>
        session.PrefillIdsAsync(ids, chunk, cancellationToken);

    public ValueTask<int> StepAsync(int tokenId, CancellationToken cancellationToken) => session.StepIdAsync(tokenId, cancellationToken);
}
