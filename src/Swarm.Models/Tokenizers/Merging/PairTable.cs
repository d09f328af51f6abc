using System.Numerics;
using System.Runtime.CompilerServices;

namespace Swarm.Models.Tokenizers.Merging;

/// <summary>Merge rules by (left id, right id): open addressing, at most half full, sized once.</summary>
internal sealed class PairTable
{
    private readonly ulong[] _keys;
    private readonly (uint Rank, int Id)[] _values;
    private readonly int _shift;
    private long _probes;

    public PairTable(int count)
    {
        int capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(count, 4) * 2);
        _keys = new ulong[capacity];
        _values = new (uint, int)[capacity];
        _shift = 64 - BitOperations.Log2((uint)capacity);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Set(int left, int right, uint rank, int id)
    {
        int slot = Slot(Key(left, right), out int probes);

        // The hash is no secret: a file could be made whose pairs all collide. Honest ones need two or three probes a pair.
        _probes += probes;
        if (_probes > 64L * _keys.Length)
            throw new ModelException(ModelError.CorruptModel, $"Tokenizer merges collide: {_probes} probes up to merge {rank}.");
        _keys[slot] = Key(left, right);
        _values[slot] = (rank, id);
    }

    public bool TryGet(int left, int right, out uint rank, out int id)
    {
        int slot = Slot(Key(left, right), out _);
        (rank, id) = _values[slot];
        return _keys[slot] != 0;
    }

    // Ids start at 1 in keys, so that 0 marks a free slot.
    private static ulong Key(int left, int right) => ((ulong)(uint)(left + 1) << 32) | (uint)(right + 1);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Slot(ulong key, out int probes)
    {
        probes = 0;
        int slot = (int)(key * 0x9E3779B97F4A7C15ul >> _shift);
        while (_keys[slot] != 0 && _keys[slot] != key)
        {
            slot = (slot + 1) & (_keys.Length - 1);
            probes++;
        }

        return slot;
    }
}
