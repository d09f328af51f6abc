namespace Swarm.Testing.Networks;

/// <summary>What happens to frames on their way from one host to another.</summary>
/// <param name="Delay">How long each takes.</param>
/// <param name="Jitter">The most that chance adds to it; frames stay in order.</param>
/// <param name="Loss">The share that is lost, from 0 to 1.</param>
public readonly record struct LinkConditions(TimeSpan Delay = default, TimeSpan Jitter = default, double Loss = 0);
