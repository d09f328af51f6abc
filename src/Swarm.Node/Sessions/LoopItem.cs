namespace Swarm.Node.Sessions;

/// <summary>What the compute loop is told: a step that is ready, or a session whose cache it shall give back.</summary>
internal readonly record struct LoopItem(StepWork? Work, NodeSession? Closed);
