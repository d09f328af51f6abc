namespace Swarm.Node.Sessions;

/// <summary>The spans in memory: the one that new sessions get, and those on which sessions still run. Thread-safe.</summary>
internal sealed class ServedSpans : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<ServedSpan> _spans = [];
    private ServedSpan? _current;

    /// <summary>What new sessions get; null while the node serves nothing.</summary>
    public ServedSpan? Current
    {
        get
        {
            lock (_lock)
                return _current;
        }
    }

    /// <summary>All spans in memory: the current one and those on which sessions still run.</summary>
    public IReadOnlyList<ServedSpan> All
    {
        get
        {
            lock (_lock)
                return [.. _spans];
        }
    }

    /// <summary>
    /// From now on new sessions get another span, which is freed here in its time, or none. The one before is freed once its last session has ended. A span that was replaced can come
    /// back as long as it is among <see cref="All"/>.
    /// </summary>
    /// <returns>False, and nothing changed, for a span that is freed already.</returns>
    public bool TryReplace(ServedSpan? next)
    {
        ServedSpan? unused = null;
        lock (_lock)
        {
            if (next == _current)
                return true;
            if (next is { IsRetired: true } && !_spans.Contains(next))
                return false;
            if (_current is { } last)
            {
                last.IsRetired = true;
                if (last.Users == 0)
                    unused = last;
            }

            if (unused is not null)
                _spans.Remove(unused);
            if (next is not null)
            {
                next.IsRetired = false;
                if (!_spans.Contains(next))
                    _spans.Add(next);
            }

            _current = next;
        }

        unused?.Dispose();
        return true;
    }

    /// <summary>A session begins on a span; false when it is not the one that new sessions get any more.</summary>
    public bool TryUse(ServedSpan span)
    {
        lock (_lock)
        {
            if (span != _current)
                return false;
            span.Users++;
            return true;
        }
    }

    /// <summary>All spans in memory, which stay there until they are given to <see cref="Release(IReadOnlyList{ServedSpan})"/>.</summary>
    public IReadOnlyList<ServedSpan> Hold()
    {
        lock (_lock)
        {
            foreach (ServedSpan span in _spans)
                span.Users++;
            return [.. _spans];
        }
    }

    /// <summary>Lets go of spans that were held.</summary>
    public void Release(IReadOnlyList<ServedSpan> held)
    {
        foreach (ServedSpan span in held)
            Release(span);
    }

    /// <summary>A session has ended.</summary>
    public void Release(ServedSpan span)
    {
        bool unused;
        lock (_lock)
            unused = --span.Users == 0 && span.IsRetired && _spans.Remove(span);
        if (unused)
            span.Dispose();
    }

    /// <summary>Frees what is left, once the compute loop has ended.</summary>
    public void Dispose()
    {
        ServedSpan[] left;
        lock (_lock)
        {
            left = [.. _spans];
            _spans.Clear();
            _current = null;
        }

        foreach (ServedSpan span in left)
            span.Dispose();
    }
}
