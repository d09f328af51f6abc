using System.Net;
using System.Net.Security;

namespace Swarm.Protocol.Transport;

/// <summary>The lanes that others dialled to a listener.</summary>
internal sealed class LaneHost(ServerDispatcher dispatcher, TransportOptions options)
{
    private readonly Lock _lock = new();
    private readonly HashSet<LaneServerWire> _wires = [];
    private TaskCompletionSource? _empty;
    private bool _closed;

    /// <summary>Whether another may be offered. Each takes a thread.</summary>
    public bool HasRoom
    {
        get
        {
            lock (_lock)
                return !_closed && _wires.Count < options.MaxLanes;
        }
    }

    /// <summary>Serves a lane in the calling thread to its end.</summary>
    public void Serve(SslStream stream, MeteredStream connection, PeerAuthContext caller, EndPoint? remote)
    {
        using var lane = new Lane(stream, connection, options);
        var wire = new LaneServerWire(lane, dispatcher, options, caller, remote);
        lock (_lock)
        {
            if (_closed)
                return;
            _wires.Add(wire);
        }

        _ = ForgetAsync(wire, wire.Run());
    }

    /// <summary>Waits for the calls that were told to end, and cuts those that do not.</summary>
    public async Task CloseAsync(CancellationToken patience)
    {
        Task empty;
        lock (_lock)
        {
            _closed = true;
            if (_wires.Count == 0)
                return;
            empty = (_empty = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        try
        {
            await empty.WaitAsync(patience);
        }
        catch (OperationCanceledException)
        {
            LaneServerWire[] left;
            lock (_lock)
                left = [.. _wires];
            foreach (LaneServerWire wire in left)
                wire.Cut();
        }
    }

    private async Task ForgetAsync(LaneServerWire wire, Task call)
    {
        await call;
        lock (_lock)
        {
            _wires.Remove(wire);
            if (_wires.Count == 0)
                _empty?.TrySetResult();
        }
    }
}
