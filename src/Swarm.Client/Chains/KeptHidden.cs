namespace Swarm.Client;

/// <summary>Copies of what a session was fed: the source where the caller gives none. Thread-safe.</summary>
internal sealed class KeptHidden(int hidden) : IHiddenSource
{
    private readonly Lock _lock = new();
    private float[] _rows = [];

    /// <summary>Takes rows [count, hidden] that begin at a position; what was there is overwritten.</summary>
    public void Write(int position, int count, ReadOnlySpan<float> rows)
    {
        lock (_lock)
        {
            int end = (position + count) * hidden;
            if (_rows.Length < end)
                Array.Resize(ref _rows, Math.Max(end, 2 * _rows.Length));
            rows[..(count * hidden)].CopyTo(_rows.AsSpan(position * hidden));
        }
    }

    public void Read(int position, int count, Span<float> rows)
    {
        lock (_lock)
            _rows.AsSpan(position * hidden, count * hidden).CopyTo(rows);
    }
}
