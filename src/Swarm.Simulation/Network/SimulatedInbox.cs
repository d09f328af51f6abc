using System.Buffers;
using System.IO.Pipelines;

namespace Swarm.Simulation;

/// <summary>Where a stream's messages come out: they wait until the pipe is open and has room.</summary>
internal sealed class SimulatedInbox(VirtualWorld world, PipeWriter writer, SimulatedStream stream, Action? readNoMore)
{
    private readonly Queue<(byte[]? Bytes, Action<PipeWriter>? Act)> _waiting = new();
    private bool _open;
    private bool _pouring;
    private bool _closed;

    /// <summary>Lets messages through.</summary>
    public void Open()
    {
        _open = true;
        Pour();
    }

    /// <summary>Drops what waits and what comes.</summary>
    public void Close()
    {
        _closed = true;
        _waiting.Clear();
    }

    public void Put(byte[] bytes)
    {
        _waiting.Enqueue((bytes, null));
        Pour();
    }

    /// <summary>Does something when all before it has been poured.</summary>
    public void Put(Action<PipeWriter> act)
    {
        _waiting.Enqueue((null, act));
        Pour();
    }

    private void Pour()
    {
        if (_open && !_pouring)
            world.Watch(PourAsync());
    }

    private async Task PourAsync()
    {
        _pouring = true;
        while (!_closed && _waiting.TryDequeue(out (byte[]? Bytes, Action<PipeWriter>? Act) next))
        {
            if (next.Bytes is not { } bytes)
            {
                next.Act!(writer);
                _closed = true;
                break;
            }

            writer.Write(bytes);
            FlushResult flushed = await writer.FlushAsync();
            stream.Credit(bytes.Length);
            if (!flushed.IsCompleted)
                continue;
            _closed = true;
            readNoMore?.Invoke();
        }

        _pouring = false;
    }
}
