namespace Swarm.Client;

/// <summary>Step 12: gives the token that follows, wherever it is chosen. The choice is the same function of logits, ids and position everywhere.</summary>
internal interface ITokenChooser
{
    /// <summary>Appends ids in chunks that travel one behind the other, and gives the id that follows the last.</summary>
    ValueTask<int> PrefillAsync(ReadOnlyMemory<int> ids, int chunk, CancellationToken cancellationToken);

    /// <summary>Appends one id and gives the id that follows it.</summary>
    ValueTask<int> StepAsync(int tokenId, CancellationToken cancellationToken);
}
