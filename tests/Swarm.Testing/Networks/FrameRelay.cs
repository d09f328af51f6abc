using System.Buffers;
using System.Diagnostics;
using Swarm.Testing.Fuzzing;

namespace Swarm.Testing.Networks;

/// <summary>
/// A switch between TAP devices that takes its time: every frame waits in a queue until it is due. One thread reads, waits and writes.
/// </summary>
internal sealed class FrameRelay : IDisposable
{
    private const int MaxFrameBytes = 1 << 14;

    private readonly int[] _ports;
    private readonly int _wake = NetworkNative.OpenEvent();
    private readonly FuzzRandom _random;
    private readonly Lock _lock = new();
    private readonly LinkConditions[,] _conditions;
    private readonly long[,] _lastDue;
    private readonly PriorityQueue<Frame, (long Due, long Number)> _queue = new();
    private readonly byte[] _buffer = new byte[MaxFrameBytes];
    private readonly Thread _thread;
    private long _number;
    private volatile bool _stopping;

    /// <param name="ports">Descriptors of the hosts' TAP devices, which the relay then owns; host i has the hardware address that ends in i + 1.</param>
    /// <param name="seed">Chance for jitter and loss.</param>
    public FrameRelay(int[] ports, ulong seed)
    {
        _ports = ports;
        _random = new FuzzRandom(seed);
        _conditions = new LinkConditions[ports.Length, ports.Length];
        _lastDue = new long[ports.Length, ports.Length];
        _thread = new Thread(Run) { IsBackground = true, Name = "frame relay", Priority = ThreadPriority.Highest };
        _thread.Start();
    }

    /// <summary>How frames from one host to another travel from now on; those under way are not changed.</summary>
    public void Set(int from, int to, LinkConditions conditions)
    {
        lock (_lock)
            _conditions[from, to] = conditions;
    }

    public void Dispose()
    {
        _stopping = true;
        NetworkNative.Signal(_wake);
        _thread.Join();
        foreach (int port in _ports)
            NetworkNative.Close(port);
        NetworkNative.Close(_wake);
    }

    private void Run()
    {
        NetworkNative.PollEntry[] entries = new NetworkNative.PollEntry[_ports.Length + 1];
        for (int index = 0; index < entries.Length; index++)
            entries[index] = new NetworkNative.PollEntry { Descriptor = index < _ports.Length ? _ports[index] : _wake, Asked = NetworkNative.PollIn };
        while (!_stopping)
        {
            TimeSpan? most = _queue.TryPeek(out _, out (long Due, long Number) next)
                ? Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), Math.Max(next.Due, Stopwatch.GetTimestamp()))
                : null;
            NetworkNative.Poll(entries, most);
            for (int port = 0; port < _ports.Length; port++)
            {
                while (entries[port].Got != 0 && NetworkNative.Read(_ports[port], _buffer) is var count and > 0)
                    Take(port, _buffer.AsSpan(0, count));
            }

            long now = Stopwatch.GetTimestamp();
            while (_queue.TryPeek(out Frame frame, out next) && next.Due <= now)
            {
                _queue.Dequeue();
                NetworkNative.Write(_ports[frame.To], frame.Bytes.AsSpan(0, frame.Count));
                ArrayPool<byte>.Shared.Return(frame.Bytes);
            }
        }
    }

    private void Take(int from, ReadOnlySpan<byte> frame)
    {
        // A group address goes to all; a host's own ends in its number.
        bool toAll = frame.Length > 0 && (frame[0] & 1) != 0;
        for (int to = 0; to < _ports.Length; to++)
        {
            if (to != from && frame.Length >= 14 && (toAll || frame[5] == to + 1))
                Enqueue(from, to, frame);
        }
    }

    private void Enqueue(int from, int to, ReadOnlySpan<byte> frame)
    {
        LinkConditions conditions;
        lock (_lock)
            conditions = _conditions[from, to];
        double chance = (_random.NextUInt64() >> 11) * (1.0 / (1UL << 53));
        if (chance < conditions.Loss)
            return;
        TimeSpan delay = conditions.Delay + (conditions.Jitter * ((_random.NextUInt64() >> 11) * (1.0 / (1UL << 53))));
        long due = Stopwatch.GetTimestamp() + (long)(delay.TotalSeconds * Stopwatch.Frequency);
        due = _lastDue[from, to] = Math.Max(due, _lastDue[from, to]);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(frame.Length);
        frame.CopyTo(bytes);
        _queue.Enqueue(new Frame(to, bytes, frame.Length), (due, _number++));
    }

    private readonly record struct Frame(int To, byte[] Bytes, int Count);
}
