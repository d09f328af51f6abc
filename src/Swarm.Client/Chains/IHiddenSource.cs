namespace Swarm.Client;

/// <summary>
/// Gives again what a session was fed, so that a chain that lost its first hop can be filled anew without keeping hidden states. May be asked from another
/// thread while the session goes on.
/// </summary>
public interface IHiddenSource
{
    /// <summary>Hidden states of positions that were handed to the session, the same bits as then.</summary>
    /// <param name="position">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="hidden">[count, hidden].</param>
    void Read(int position, int count, Span<float> hidden);
}
