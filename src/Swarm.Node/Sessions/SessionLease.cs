using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>A session's right to bytes. Belongs to the <see cref="SessionLedger"/> that gave it.</summary>
internal sealed class SessionLease(SessionLedger ledger, PeerId client) : IRetentionBudget
{
    /// <summary>To whose share it counts.</summary>
    public PeerId Client { get; } = client;

    /// <summary>Bytes promised for keys and values.</summary>
    internal long CacheBytes { get; set; }

    /// <summary>Bytes of retained rows in memory.</summary>
    internal long RetainedBytes { get; set; }

    internal bool IsReleased { get; set; }

    public bool TryTake(long bytes) => ledger.TryRetain(this, bytes);

    public void Return(long bytes) => ledger.ReturnRetained(this, bytes);
}
