using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>What the last hop has computed and the client may lack, so that a client that lost its link gets it again. Rules only; the lock is its user's.</summary>
/// <param name="budget">What may be kept in memory of results that were sent already.</param>
internal sealed class ResultLog(IRetentionBudget budget) : IDisposable
{
    private readonly SlidingList<StoredResult> _results = new();

    /// <summary>Held while it is used.</summary>
    public Lock Gate { get; } = new();

    public int Count => _results.Count;

    /// <summary>Results that no client has been there to take.</summary>
    public int Unsent { get; private set; }

    public StoredResult this[int index] => _results[index];

    /// <summary>
    /// Takes a result, and its share of the packet. One that was sent is forgotten where there is no room for it, and beyond the limit the oldest: their steps would have to be
    /// computed again.
    /// </summary>
    public void Add(StoredResult result)
    {
        long bytes = result.Packet?.EncodedBytes ?? 0;
        bool charged = bytes == 0 || budget.TryTake(bytes);
        if (!charged && result.SentOn is not null)
        {
            result.Packet?.Dispose();
            return;
        }

        result = result with { ChargedBytes = charged ? bytes : 0 };
        if (_results.Count == ChainLimits.MaxStoredResults)
            RemoveFirst(1);
        _results.Add(result);
        Unsent += result.SentOn is null ? 1 : 0;
    }

    /// <summary>Notes where a result was sent.</summary>
    public void Sent(int index, InboundLink link)
    {
        StoredResult result = _results[index];
        Unsent -= result.SentOn is null ? 1 : 0;
        _results[index] = result with { SentOn = link };
    }

    /// <summary>The client has all results below a position.</summary>
    public void Confirm(int position)
    {
        int known = 0;
        while (known < _results.Count && _results[known].End <= position)
            known++;
        if (known > 0)
            RemoveFirst(known);
    }

    /// <summary>Forgets results that reach beyond a position.</summary>
    public void Truncate(int end)
    {
        int cut = 0;
        for (; cut < _results.Count && _results[_results.Count - 1 - cut].End > end; cut++)
            Forget(_results[_results.Count - 1 - cut]);
        _results.RemoveLast(cut);
    }

    /// <summary>Whether all results of positions [first, end) are there.</summary>
    public bool Covers(int first, int end)
    {
        for (int index = 0; index < _results.Count && first < end; index++)
        {
            StoredResult result = _results[index];
            if (result.Position <= first && result.End > first)
                first = result.End;
        }

        return first >= end;
    }

    public void Dispose() => Truncate(0);

    private void RemoveFirst(int count)
    {
        for (int index = 0; index < count; index++)
            Forget(_results[index]);
        _results.RemoveFirst(count);
    }

    private void Forget(StoredResult result)
    {
        Unsent -= result.SentOn is null ? 1 : 0;
        budget.Return(result.ChargedBytes);
        result.Packet?.Dispose();
    }
}
