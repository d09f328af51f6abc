namespace Swarm.Simulation;

/// <summary>One direction of a call: what is sent on it arrives in order. Others pass it by.</summary>
internal sealed class SimulatedStream(SimulatedNetwork network, VirtualProcess from, VirtualProcess to, Action refused)
{
    /// <summary>Bytes on their way, or unread, beyond which the sender waits.</summary>
    private const int Window = 1 << 20;

    /// <summary>Who sends.</summary>
    public VirtualProcess From => from;

    private readonly SimulatedWay _way = network.Way(from, to);
    private TimeSpan _last;
    private long _unread;
    private TaskCompletionSource? _room;

    /// <summary>Sends something.</summary>
    /// <param name="kind">For the trace.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="deliver">What it does in the process that it reaches.</param>
    /// <param name="detail">For who watches the trace.</param>
    /// <param name="ways">How often it goes the way: a handshake goes there and back first.</param>
    public void Send(string kind, int bytes, Action deliver, int ways = 1, string detail = "")
    {
        if (_way.IsBlocked)
        {
            _way.Held.Enqueue(() => Send(kind, bytes, deliver, ways, detail));
            return;
        }

        if (to.IsEnded)
        {
            if (!network.IsDark(to))
                from.Plan(_way.Delay * 2, refused);
            return;
        }

        TimeSpan now = network.World.Elapsed;
        TimeSpan at = now + network.Travel(_way, bytes) + (_way.Delay * (ways - 1));
        _last = at > _last ? at : _last;
        to.Plan(_last - now, () =>
        {
            network.Arrived(from, to, kind, bytes, detail);
            deliver();
        });
    }

    /// <summary>Counts bytes that the receiver has not read.</summary>
    public void Take(int bytes) => _unread += bytes;

    /// <summary>The receiver has read them.</summary>
    public void Credit(int bytes)
    {
        _unread -= bytes;
        if (_unread > Window / 2 || _room is null)
            return;
        _room.TrySetResult();
        _room = null;
    }

    /// <summary>Ends when more may be sent.</summary>
    public Task RoomAsync() => _unread <= Window ? Task.CompletedTask : (_room ??= new TaskCompletionSource()).Task;
}
