namespace Swarm.Node;

/// <summary>A session is over and its cache given back.</summary>
/// <param name="Session">Its id, shortened.</param>
/// <param name="Sessions">Sessions open now.</param>
public sealed record NodeSessionClosed(string Session, int Sessions) : NodeEvent;
