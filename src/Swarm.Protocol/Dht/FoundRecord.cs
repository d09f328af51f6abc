namespace Swarm.Protocol.Dht;

/// <summary>A live record and how long ago its first holder received it, as far as the holders tell the truth: a liar can make it younger, but not outlive <see cref="DhtLimits.MaxClockSkew"/>.</summary>
/// <param name="Record">Verified.</param>
/// <param name="Age">At the moment of the answer; less than its lifetime.</param>
public sealed record FoundRecord(DhtRecord Record, TimeSpan Age);
