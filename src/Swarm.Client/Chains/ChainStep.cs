namespace Swarm.Client;

/// <summary>One session's part in a common pass.</summary>
/// <param name="Session">A session of the same chain.</param>
/// <param name="Hidden">[count, hidden], read before the call returns.</param>
/// <param name="Position">Of the first token; below the session's length it rolls back.</param>
/// <param name="Count">Tokens.</param>
/// <param name="Outputs">Rows to give back.</param>
/// <param name="Result">Where they go: [rows, hidden]; valid once the task has ended.</param>
public readonly record struct ChainStep(
    IChainSession Session, ReadOnlyMemory<float> Hidden, int Position, int Count, OutputRows Outputs, Memory<float> Result);
