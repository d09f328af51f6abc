using System.Diagnostics.CodeAnalysis;
using Swarm.Models;

namespace Swarm.Client;

/// <summary>
/// One run of positions through a stretch of blocks, with the caches it leaves there. Used by one caller at a time. Disposing it frees the
/// caches on every hop.
/// </summary>
public interface IChainSession : IAsyncDisposable
{
    BlockSpan Blocks { get; }

    /// <summary>Positions handed to <see cref="ForwardAsync"/> so far (and not rolled back).</summary>
    int Length { get; }

    /// <summary>The most positions that it may ever hold.</summary>
    int MaxPositions { get; }

    ChainRoute Route { get; }

    /// <summary>Steps that may be under way at once before the caller waits for the oldest.</summary>
    int Window { get; }

    /// <summary>
    /// False once a fault ended the session: open another. A chain that breaks is mended; when no way is found in time, the steps under way fail with NoRoute and the session
    /// stays usable: the next step looks for a way again.
    /// </summary>
    bool IsUsable { get; }

    ChainFigures Figures { get; }

    /// <summary>The next recovery that nobody has taken note of; it is there before the first step ends that came back after it.</summary>
    bool TryTakeRecovery([NotNullWhen(true)] out ChainRecovery? recovery);

    /// <summary>
    /// From where the chain has to be fed to go on at a position, at most <see cref="Length"/>: from there, or from the beginning where a window's keys and values before it are gone. A chain
    /// that feeds itself again always goes on.
    /// </summary>
    int ResumeAt(int position) => position;

    /// <summary>
    /// Sends hidden states [count, hidden] through the blocks. Steps may be started without waiting for earlier ones; they run in the
    /// order of the calls.
    /// </summary>
    /// <param name="hidden">[count, hidden], read before the call returns.</param>
    /// <param name="position">Of the first token: at most <see cref="Length"/>; below it, the caches roll back to it first.</param>
    /// <param name="count">Tokens, at least 1.</param>
    /// <param name="outputs">Rows to give back.</param>
    /// <param name="result">[rows, hidden], written before the task ends; may overlap <paramref name="hidden"/>.</param>
    /// <param name="cancellationToken">Ends the wait. The step itself goes on, and the session stays usable.</param>
    /// <exception cref="Protocol.SwarmException">
    /// ContextExceeded, WrongPosition, InvalidArgument; NoRoute, NoCapacity when the chain broke and no other was found in time: <see cref="Length"/> is then what came back. Cancelled: the
    /// chain broke while a later step already overwrote this one.
    /// </exception>
    ValueTask ForwardAsync(
        ReadOnlyMemory<float> hidden, int position, int count, OutputRows outputs, Memory<float> result,
        CancellationToken cancellationToken = default);

    /// <summary>The same with token ids, in a session with <see cref="EndsMode.Swarm"/>: the first hop embeds, the last chooses.</summary>
    /// <param name="ids">At least 1, read before the call returns.</param>
    /// <param name="position">Of the first token: at most <see cref="Length"/>; below it, the caches roll back to it first.</param>
    /// <param name="next">[1]: gets the id chosen to follow the last one, before the task ends; empty: none is asked for.</param>
    /// <param name="cancellationToken">Ends the wait. The step itself goes on, and the session stays usable.</param>
    /// <exception cref="Protocol.SwarmException">As the other; InvalidArgument also for an id outside the vocabulary, and in a session with local ends.</exception>
    ValueTask ForwardIdsAsync(ReadOnlyMemory<int> ids, int position, Memory<int> next, CancellationToken cancellationToken = default);
}
