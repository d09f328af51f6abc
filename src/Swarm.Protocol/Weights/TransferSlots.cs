namespace Swarm.Protocol.Weights;

/// <summary>Transfers that run: some at once, fewer of one caller. Not thread-safe.</summary>
internal sealed class TransferSlots
{
    private readonly Dictionary<PeerId, int> _callers = [];

    public int Count { get; private set; }

    public bool TryTake(PeerId caller)
    {
        int own = _callers.GetValueOrDefault(caller);
        if (Count == WeightsLimits.MaxTransfers || own == WeightsLimits.MaxTransfersOfCaller)
            return false;
        _callers[caller] = own + 1;
        Count++;
        return true;
    }

    public void Release(PeerId caller)
    {
        Count--;
        if (--_callers[caller] == 0)
            _callers.Remove(caller);
    }
}
