using Swarm.Protocol;
using Swarm.Protocol.Transport;

namespace Swarm.Simulation;

/// <summary>
/// What lies between the processes of a world: calls with the framing, statuses and handshakes of the other transports, whose bytes take time, wait, come twice or damaged, or are cut
/// off. All chance comes from one seeded source.
/// </summary>
public sealed class SimulatedNetwork(VirtualWorld world, IRandomSource random, RunTrace trace)
{
    /// <summary>Silence on a connection with calls after which either side gives it up, as the pings of HTTP/2 do.</summary>
    private static readonly TimeSpan KeepAliveTime = TimeSpan.FromSeconds(20);

    private readonly Dictionary<(VirtualProcess From, VirtualProcess To), SimulatedWay> _ways = [];
    private readonly Dictionary<PeerAddress, VirtualProcess> _owners = [];
    private readonly HashSet<VirtualProcess> _dark = [];
    private readonly Dictionary<VirtualProcess, double> _corrupting = [];
    private readonly LinkedList<SimulatedCall> _calls = new();

    /// <summary>What it does to what travels from now on.</summary>
    public Weather Weather { get; set; } = new();

    /// <summary>Messages that were delivered.</summary>
    public long Delivered { get; private set; }

    /// <summary>Messages of links that were delivered twice, and packets that were damaged.</summary>
    public long Repeated { get; private set; }

    public long Corrupted { get; private set; }

    internal InMemoryNetwork Addresses { get; } = new();

    internal VirtualWorld World => world;

    internal IRandomSource Random => random;

    /// <summary>Nothing passes from one to the other until <see cref="Unblock"/>; the way back stays open.</summary>
    public void Block(VirtualProcess from, VirtualProcess to)
    {
        SimulatedWay way = Way(from, to);
        if (way.IsBlocked)
            return;
        way.IsBlocked = true;
        int blocks = ++way.Blocks;
        world.Plan(KeepAliveTime, () =>
        {
            if (way.IsBlocked && way.Blocks == blocks)
                Cut(from, to);
        });
    }

    /// <summary>Lets pass what waits and what comes.</summary>
    public void Unblock(VirtualProcess from, VirtualProcess to)
    {
        SimulatedWay way = Way(from, to);
        way.IsBlocked = false;
        while (way.Held.TryDequeue(out Action? send))
            send();
    }

    /// <summary>Resets all connections between two processes; both learn it at once.</summary>
    public void Cut(VirtualProcess one, VirtualProcess other)
    {
        foreach (SimulatedCall call in _calls.ToArray())
        {
            if ((call.Client == one && call.Server == other) || (call.Client == other && call.Server == one))
                call.Cut();
        }
    }

    /// <summary>Ends a process in the middle of what it does.</summary>
    /// <param name="process">Which.</param>
    /// <param name="silently">Its machine goes with it: nobody is told that its connections are gone, and nobody answers at its addresses.</param>
    public void Kill(VirtualProcess process, bool silently)
    {
        ArgumentNullException.ThrowIfNull(process);
        process.End();
        foreach (PeerAddress address in _owners.Where(owner => owner.Value == process).Select(owner => owner.Key).ToArray())
            Addresses.Remove(address);
        if (silently)
            _dark.Add(process);
        foreach (SimulatedCall call in _calls.ToArray())
        {
            if (call.Client != process && call.Server != process)
                continue;
            if (silently)
                world.Plan(KeepAliveTime, call.Cut);
            else
                call.ResetBy(process);
        }
    }

    /// <summary>A machine that went silently is there again: what still comes for its former process is refused.</summary>
    public void Revive(VirtualProcess process) => _dark.Remove(process);

    /// <summary>The shortest time from one to the other.</summary>
    public TimeSpan Delay(VirtualProcess from, VirtualProcess to) => Way(from, to).Delay;

    internal bool IsDark(VirtualProcess process) => _dark.Contains(process);

    internal VirtualProcess? Owner(PeerAddress address) => _owners.GetValueOrDefault(address);

    internal void Own(PeerAddress address, VirtualProcess process) => _owners[address] = process;

    internal LinkedListNode<SimulatedCall> Enter(SimulatedCall call) => _calls.AddLast(call);

    internal void CutAll(Predicate<SimulatedCall> which, VirtualProcess by)
    {
        foreach (SimulatedCall call in _calls.ToArray())
        {
            if (which(call))
                call.ResetBy(by);
        }
    }

    // Both directions of a pair are equally long.
    internal SimulatedWay Way(VirtualProcess from, VirtualProcess to)
    {
        if (_ways.TryGetValue((from, to), out SimulatedWay? way))
            return way;
        TimeSpan delay = from == to ? TimeSpan.Zero : Weather.Delay.Least + (Weather.Delay.Most - Weather.Delay.Least) * random.NextDouble();
        _ways.TryAdd((to, from), new SimulatedWay(delay));
        return _ways[(from, to)] = new SimulatedWay(delay);
    }

    /// <summary>Time that a message takes on a way.</summary>
    internal TimeSpan Travel(SimulatedWay way, int bytes)
    {
        TimeSpan time = way.Delay * (1 + Weather.Jitter * random.NextDouble());
        TimeSpan resend = Weather.Resend;
        while (Weather.Loss > 0 && random.NextDouble() < Weather.Loss)
        {
            time += resend;
            resend *= 2;
        }

        if (Weather.BytesPerSecond <= 0)
            return time;
        TimeSpan begun = way.BusyUntil > world.Elapsed ? way.BusyUntil : world.Elapsed;
        way.BusyUntil = begun + TimeSpan.FromSeconds(bytes / Weather.BytesPerSecond);
        return time + (way.BusyUntil - world.Elapsed);
    }

    internal bool Repeats()
    {
        bool repeats = Weather.Repeats > 0 && random.NextDouble() < Weather.Repeats;
        Repeated += repeats ? 1 : 0;
        return repeats;
    }

    /// <summary>Damages a share of the packets that a process sends on links.</summary>
    public void SetCorruption(VirtualProcess process, double share) => _corrupting[process] = share;

    internal bool Corrupts(VirtualProcess from)
    {
        bool corrupts = _corrupting.GetValueOrDefault(from) is > 0 and double share && random.NextDouble() < share;
        Corrupted += corrupts ? 1 : 0;
        return corrupts;
    }

    internal bool IsWatched => trace.Watch is not null;

    internal void Arrived(VirtualProcess from, VirtualProcess to, string kind, int bytes, string detail)
    {
        Delivered++;
        trace.Add(world.Elapsed, from.Name, to.Name, kind, bytes, detail);
    }
}
