namespace Swarm.Kernels;

/// <summary>One session's tokens in an attention call.</summary>
/// <param name="Pages">Addresses of the session's pages, the page of position p at index p ÷ 64.</param>
/// <param name="FirstPosition">Position of the first token.</param>
/// <param name="Tokens">Tokens in a row; at least 1.</param>
public readonly record struct AttentionStep(ReadOnlyMemory<nint> Pages, int FirstPosition, int Tokens);
