using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>
/// Bounds what of a session is on its way to the next hop: steps that were sent and not acknowledged. What does not fit waits among the retained rows. Rules only; the lock
/// is its user's.
/// </summary>
internal sealed class SendWindow
{
    private readonly Dictionary<ulong, int> _sent = [];

    /// <summary>Bytes on their way.</summary>
    public long Bytes { get; private set; }

    /// <summary>Steps on their way.</summary>
    public int Steps => _sent.Count;

    /// <summary>Most bytes that were on their way at once.</summary>
    public long MostBytes { get; private set; }

    /// <summary>Whether so many bytes may go. One step always may, however large it is.</summary>
    public bool IsOpenFor(long bytes) =>
        _sent.Count == 0 || (_sent.Count < ChainLimits.MaxUnacknowledgedSteps && Bytes + bytes <= ChainLimits.MaxUnacknowledgedBytes);

    public void Sent(ulong number, int bytes)
    {
        _sent.Add(number, bytes);
        Bytes += bytes;
        MostBytes = Math.Max(MostBytes, Bytes);
    }

    /// <summary>A step has arrived, and so many right before it.</summary>
    public void Acknowledged(ulong number, uint before)
    {
        ulong first = number - Math.Min(number, Math.Min(before, ChainLimits.MaxUnacknowledgedSteps));
        for (ulong arrived = first; arrived <= number; arrived++)
        {
            if (_sent.Remove(arrived, out int bytes))
                Bytes -= bytes;
        }
    }
}
