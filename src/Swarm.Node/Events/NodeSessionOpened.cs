namespace Swarm.Node;

/// <summary>A session is open here.</summary>
/// <param name="Session">Its id, shortened.</param>
/// <param name="Sessions">Sessions open now.</param>
public sealed record NodeSessionOpened(string Session, int Sessions) : NodeEvent;
