namespace Swarm.Node.Sessions;

/// <summary>
/// What the compute loop is told: a step that is ready, or a change to a session between two passes, before which its steps that wait are dropped; without one the session
/// has closed.
/// </summary>
internal readonly record struct LoopItem(StepWork? Work, NodeSession? Session, Action? Change);
