namespace Swarm.Models.Sampling;

/// <summary>
/// Candidates by score, equal ones by id, highest first, taken only as far as needed. A candidate is one number: the score in an order-preserving spelling above
/// the complement of the id.
/// </summary>
internal sealed class CandidateHeap
{
    private ulong[] _keys = [];

    public int Count { get; private set; }

    public void Reserve(int count) => _keys = new ulong[count];

    public void Clear() => Count = 0;

    /// <summary>Adds without keeping order; <see cref="Order"/> follows.</summary>
    public void Append(float score, int id) => _keys[Count++] = Key(score, id);

    public void Order()
    {
        for (int i = (Count / 2) - 1; i >= 0; i--)
            SinkHighest(i);
    }

    public int TakeHighest()
    {
        ulong top = _keys[0];
        _keys[0] = _keys[--Count];
        SinkHighest(0);
        return (int)~(uint)top;
    }

    /// <summary>The n-th highest of <paramref name="scores"/>, n in 1 to their number. Empties the heap.</summary>
    public float NthHighest(ReadOnlySpan<float> scores, int n)
    {
        Clear();
        for (int id = 0; id < scores.Length; id++)
        {
            ulong key = Key(scores[id], id);
            if (Count < n)
            {
                _keys[Count++] = key;
                if (Count == n)
                    for (int i = (n / 2) - 1; i >= 0; i--)
                        SinkLowest(i);
            }
            else if (key > _keys[0])
            {
                _keys[0] = key;
                SinkLowest(0);
            }
        }

        int lowest = (int)~(uint)_keys[0];
        Clear();
        return scores[lowest];
    }

    private static ulong Key(float score, int id)
    {
        // Adding zero makes -0 into +0, which compares equal to it. Positive floats order as their bits do, negative ones the other way round.
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f);
        bits = (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
        return ((ulong)bits << 32) | ~(uint)id;
    }

    private void SinkHighest(int at)
    {
        ulong key = _keys[at];
        for (int child; (child = (at * 2) + 1) < Count; at = child)
        {
            if (child + 1 < Count && _keys[child + 1] > _keys[child])
                child++;
            if (_keys[child] <= key)
                break;
            _keys[at] = _keys[child];
        }

        _keys[at] = key;
    }

    private void SinkLowest(int at)
    {
        ulong key = _keys[at];
        for (int child; (child = (at * 2) + 1) < Count; at = child)
        {
            if (child + 1 < Count && _keys[child + 1] < _keys[child])
                child++;
            if (_keys[child] >= key)
                break;
            _keys[at] = _keys[child];
        }

        _keys[at] = key;
    }
}
