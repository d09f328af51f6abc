using Swarm.Models.Blocks;
using Swarm.Protocol.Links;

namespace Swarm.Node.Sessions;

/// <summary>
/// Who was promised how many bytes of keys and values, over all spans that sessions are on. A session is admitted when what it expects to need fits beside what the others were
/// promised, so that nobody's growth takes what another was promised. Rules only.
/// </summary>
internal sealed class SessionLedger(long budgetBytes)
{
    private readonly Dictionary<SessionId, long> _promised = [];
    private long _total;

    public int Count => _promised.Count;

    /// <summary>Bytes to promise. Lowered below what is promised, nothing more is promised until enough has come back.</summary>
    public long BudgetBytes { get; set; } = budgetBytes;

    /// <summary>Bytes not promised to anybody.</summary>
    public long FreeBytes => Math.Max(0, BudgetBytes - _total);

    /// <summary>Positions of a layout not promised to anybody, in whole pages.</summary>
    public long FreeTokens(KvLayout layout) => FreeBytes / Math.Max(1, layout.PageBytes) * Kernels.KernelSet.PagePositions;

    /// <summary>Promises positions, in whole pages. False when they are not there.</summary>
    public bool TryAdmit(SessionId session, int positions, KvLayout layout)
    {
        long bytes = layout.BytesFor(positions);
        if (bytes > FreeBytes || !_promised.TryAdd(session, bytes))
            return false;
        _total += bytes;
        return true;
    }

    /// <summary>A session has outgrown its promise: takes what is free, or says no.</summary>
    public bool TryGrow(SessionId session, int positions, KvLayout layout)
    {
        long bytes = layout.BytesFor(positions);
        long had = _promised[session];
        if (bytes <= had)
            return true;
        if (bytes - had > FreeBytes)
            return false;
        _promised[session] = bytes;
        _total += bytes - had;
        return true;
    }

    public void Release(SessionId session)
    {
        if (_promised.Remove(session, out long bytes))
            _total -= bytes;
    }
}
