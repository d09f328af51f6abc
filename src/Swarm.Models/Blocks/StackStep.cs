namespace Swarm.Models.Blocks;

/// <summary>One session's share of a pass.</summary>
/// <param name="Cache">The session's keys and values; its length becomes Position + Count.</param>
/// <param name="Position">Index of the first token; at most the cache's length. Less than it is rollback.</param>
/// <param name="Count">Tokens; at least 1.</param>
public readonly record struct StackStep(KvCache Cache, int Position, int Count);
