namespace Swarm.Testing.Hub;

/// <summary>A request that the test hub has seen.</summary>
/// <param name="Method">GET or HEAD.</param>
/// <param name="Path">With the query.</param>
/// <param name="AtHub">At the hub itself; false: at the host that holds large files.</param>
/// <param name="Authorization">Its header, or null.</param>
/// <param name="Range">Its header, or null.</param>
public sealed record HubRequest(string Method, string Path, bool AtHub, string? Authorization, string? Range);
