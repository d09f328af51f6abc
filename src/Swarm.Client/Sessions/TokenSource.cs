using Swarm.Models.Blocks;

namespace Swarm.Client;

/// <summary>
/// A session's token ids, which are all that is needed to rebuild it: hidden states are embedded again when they are asked for. The list shrinks by its count
/// only, so that who reads while the owner rolls back finds ids of before; those positions are overwritten by the next step anyway. Thread-safe.
/// </summary>
internal sealed class TokenSource(ModelEnds? ends) : IHiddenSource, ITokenSource
{
    private readonly Lock _lock = new();
    private int[] _ids = new int[64];

    public int Count { get; private set; }

    /// <summary>The ids; for the owner, valid until it changes them.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    public void Append(ReadOnlySpan<int> ids)
    {
        lock (_lock)
        {
            if (_ids.Length < Count + ids.Length)
                Array.Resize(ref _ids, Math.Max(Count + ids.Length, 2 * _ids.Length));
            ids.CopyTo(_ids.AsSpan(Count));
            Count += ids.Length;
        }
    }

    /// <summary>Forgets ids from a length on.</summary>
    public void Truncate(int length) => Count = length;

    public void Read(int position, int count, Span<float> hidden)
    {
        // Step 3 again: the same ids give the same bits.
        lock (_lock)
            ends!.Embed(_ids.AsSpan(position, count), position, hidden);
    }

    public void Read(int position, Span<int> ids)
    {
        lock (_lock)
            _ids.AsSpan(position, ids.Length).CopyTo(ids);
    }
}
