namespace Swarm.Models.Tokenizers.Merging;

/// <summary>Working memory of one call: the symbols of a piece as a linked list, and the queue of possible merges.</summary>
internal sealed class MergeScratch
{
    private ulong[] _heap = new ulong[64];
    private int _heapCount;

    public Symbol[] Symbols { get; private set; } = new Symbol[64];

    public int Count { get; private set; }

    public void Clear()
    {
        Count = 0;
        _heapCount = 0;
    }

    public void Add(int id, int start, int length)
    {
        if (Count == Symbols.Length)
        {
            Symbol[] grown = new Symbol[Count * 2];
            Symbols.CopyTo(grown, 0);
            Symbols = grown;
        }

        if (Count > 0)
            Symbols[Count - 1].Next = Count;
        Symbols[Count] = new Symbol { Id = id, Start = start, Length = length, Previous = Count - 1, Next = -1 };
        Count++;
    }

    /// <summary>Applies merges, lowest priority number first and leftmost of equal ones, until none is left. Dead symbols have length 0.</summary>
    public void Merge<TRule>(TRule rule, ReadOnlySpan<char> piece)
        where TRule : struct, IMergeRule
    {
        for (int i = 0; i + 1 < Count; i++)
            TryPush(rule, piece, i);
        while (_heapCount > 0)
        {
            ulong entry = Pop();
            int left = (int)(uint)entry;
            ref Symbol symbol = ref Symbols[left];
            // An entry is stale when its symbol died or grew since, or its neighbour did: then its pair has another priority, or none.
            if (symbol.Length == 0 || symbol.Next < 0 || !rule.TryMerge(piece, symbol, Symbols[symbol.Next], out uint priority, out int id)
                || priority != (uint)(entry >> 32))
                continue;
            ref Symbol right = ref Symbols[symbol.Next];
            symbol.Id = id;
            symbol.Length = right.Start + right.Length - symbol.Start;
            symbol.Next = right.Next;
            right.Length = 0;
            if (symbol.Next >= 0)
            {
                Symbols[symbol.Next].Previous = left;
                TryPush(rule, piece, left);
            }

            if (symbol.Previous >= 0)
                TryPush(rule, piece, symbol.Previous);
        }
    }

    private void TryPush<TRule>(TRule rule, ReadOnlySpan<char> piece, int left)
        where TRule : struct, IMergeRule
    {
        if (rule.TryMerge(piece, Symbols[left], Symbols[Symbols[left].Next], out uint priority, out _))
            Push(((ulong)priority << 32) | (uint)left);
    }

    private void Push(ulong entry)
    {
        if (_heapCount == _heap.Length)
            Array.Resize(ref _heap, _heapCount * 2);
        int at = _heapCount++;
        while (at > 0 && _heap[(at - 1) / 2] > entry)
        {
            _heap[at] = _heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }

        _heap[at] = entry;
    }

    private ulong Pop()
    {
        ulong top = _heap[0];
        ulong last = _heap[--_heapCount];
        int at = 0;
        while (true)
        {
            int child = (at * 2) + 1;
            if (child >= _heapCount)
                break;
            if (child + 1 < _heapCount && _heap[child + 1] < _heap[child])
                child++;
            if (_heap[child] >= last)
                break;
            _heap[at] = _heap[child];
            at = child;
        }

        _heap[at] = last;
        return top;
    }

    public struct Symbol
    {
        public int Id;
        public int Start;
        public int Length;
        public int Previous;
        public int Next;
    }
}
