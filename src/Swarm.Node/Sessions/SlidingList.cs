namespace Swarm.Node.Sessions;

/// <summary>A list that grows at the end and is cut at both ends, without moving what stays each time.</summary>
internal sealed class SlidingList<T>
{
    private readonly List<T> _items = [];
    private int _first;

    public int Count => _items.Count - _first;

    public T this[int index]
    {
        get => _items[_first + index];
        set => _items[_first + index] = value;
    }

    public void Add(T item) => _items.Add(item);

    public void RemoveFirst(int count)
    {
        for (int index = 0; index < count; index++)
            _items[_first + index] = default!;
        _first += count;
        if (_first < _items.Count && _first < 64)
            return;
        _items.RemoveRange(0, _first);
        _first = 0;
    }

    public void RemoveLast(int count) => _items.RemoveRange(_items.Count - count, count);
}
