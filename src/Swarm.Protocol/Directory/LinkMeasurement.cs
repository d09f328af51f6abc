namespace Swarm.Protocol.Directory;

/// <summary>A round trip from one node to another, as the first measured it.</summary>
public readonly record struct LinkMeasurement(PeerId Peer, TimeSpan RoundTrip);
