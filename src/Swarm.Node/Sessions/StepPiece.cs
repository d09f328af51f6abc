namespace Swarm.Node.Sessions;

/// <summary>Tokens [First, First + Count) of a step, computed in one pass.</summary>
internal readonly record struct StepPiece(StepWork Work, int First, int Count);
