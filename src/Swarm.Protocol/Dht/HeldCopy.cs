namespace Swarm.Protocol.Dht;

/// <summary>A record that a store holds, and how long ago its first holder received it.</summary>
internal readonly record struct HeldCopy(DhtRecord Record, TimeSpan Age);
