using Swarm.Protocol.Links;

namespace Swarm.Node.Sessions;

/// <summary>
/// Who was promised how many positions of the KV pool. A session is admitted when what it expects to need fits beside what the others were promised, so
/// that nobody's growth takes what another was promised. Rules only.
/// </summary>
internal sealed class SessionLedger(long poolTokens)
{
    private readonly Dictionary<SessionId, long> _promised = [];
    private long _total;

    public int Count => _promised.Count;

    /// <summary>Positions not promised to anybody.</summary>
    public long FreeTokens => Math.Max(0, poolTokens - _total);

    /// <summary>Promises positions, in whole pages. False when they are not there.</summary>
    public bool TryAdmit(SessionId session, int positions)
    {
        long pages = RoundUp(positions);
        if (pages > FreeTokens || !_promised.TryAdd(session, pages))
            return false;
        _total += pages;
        return true;
    }

    /// <summary>A session has outgrown its promise: takes what is free, or says no.</summary>
    public bool TryGrow(SessionId session, int positions)
    {
        long pages = RoundUp(positions);
        long had = _promised[session];
        if (pages <= had)
            return true;
        if (pages - had > FreeTokens)
            return false;
        _promised[session] = pages;
        _total += pages - had;
        return true;
    }

    public void Release(SessionId session)
    {
        if (_promised.Remove(session, out long pages))
            _total -= pages;
    }

    private static long RoundUp(int positions)
    {
        const int page = Kernels.KernelSet.PagePositions;
        return ((long)positions + page - 1) / page * page;
    }
}
