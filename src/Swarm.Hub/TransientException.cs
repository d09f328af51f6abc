namespace Swarm.Hub;

/// <summary>A request that may well succeed when it is made again.</summary>
/// <param name="message">What was seen.</param>
/// <param name="after">How long the hub asks to wait; null: it does not say.</param>
/// <param name="inner">What it was seen by.</param>
internal sealed class TransientException(string message, TimeSpan? after = null, Exception? inner = null) : Exception(message, inner)
{
    public TimeSpan? After { get; } = after;
}
