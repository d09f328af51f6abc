namespace Swarm.Client;

/// <summary>
/// Gives again the token ids that a session with swarm ends was fed, so that a chain that lost its first hop can be filled anew. May be asked from another thread while the
/// session goes on.
/// </summary>
public interface ITokenSource
{
    /// <summary>Ids of positions that were handed to the session.</summary>
    /// <param name="position">The first.</param>
    /// <param name="ids">As many as are wanted.</param>
    void Read(int position, Span<int> ids);
}
