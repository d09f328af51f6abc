namespace Swarm.Models.Files;

/// <summary>Where the bytes of tensors are that are known by their hash alone: files that are here, and a way to bring others.</summary>
public interface ITensorContent : IDisposable
{
    /// <summary>The file that holds exactly the bytes of this hash; null where it is not here.</summary>
    /// <param name="sha256">32 bytes.</param>
    string? Find(ReadOnlySpan<byte> sha256);

    /// <summary>Throws a file away that does not hold what its hash says.</summary>
    void Discard(ReadOnlySpan<byte> sha256);

    /// <summary>Brings what is missing.</summary>
    /// <param name="tensors">What is wanted.</param>
    /// <param name="progress">Told the bytes that came so far.</param>
    /// <param name="cancellationToken">Ends it; what came stays.</param>
    Task FetchAsync(IReadOnlyList<TensorContent> tensors, Action<long>? progress, CancellationToken cancellationToken);
}
