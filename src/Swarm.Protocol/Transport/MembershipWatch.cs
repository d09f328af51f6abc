using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>Says when those who were let in are to be looked at again: at once after a revocation, and every half minute for grants whose time has passed.</summary>
internal sealed class MembershipWatch : IDisposable
{
    /// <summary>How long a connection may outlive its grant.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private readonly MembershipGate? _gate;
    private readonly Action _recheck;
    private readonly ITimer? _timer;

    /// <param name="gate">Whose members; null: nobody checks membership, and nothing happens.</param>
    /// <param name="time">The clock.</param>
    /// <param name="recheck">Closes the connections of those who are members no more; at once and quickly.</param>
    public MembershipWatch(MembershipGate? gate, TimeProvider time, Action recheck)
    {
        _gate = gate;
        _recheck = recheck;
        if (gate is null)
            return;
        gate.Changed += recheck;
        _timer = time.CreateTimer(_ => recheck(), null, Interval, Interval);
    }

    public void Dispose()
    {
        if (_gate is not null)
            _gate.Changed -= _recheck;
        _timer?.Dispose();
    }
}
