using Swarm.Node.Sessions;

namespace Swarm.Node.Tests.Sessions;

/// <summary>A bound on memory that a test sets.</summary>
internal sealed class RetentionGrant(long bytes) : IRetentionBudget
{
    /// <summary>Bytes left to take.</summary>
    public long Left { get; private set; } = bytes;

    public bool TryTake(long bytes)
    {
        if (bytes > Left)
            return false;
        Left -= bytes;
        return true;
    }

    public void Return(long bytes) => Left += bytes;
}
