namespace Swarm.Models.Blocks;

/// <summary>One group's pages of a cache: by slot, and as kernels ask for them, by page of the sequence.</summary>
internal sealed class PageTable(KvGroup group)
{
    private nint[] _slots = [];
    private SharedPage?[] _shared = [];

    // Of a window: the address of every page of the sequence, those that are gone naming what lies in their slot now.
    private nint[] _sequence = [];
    private int _sequenceLength;

    public KvGroup Group { get; } = group;

    /// <summary>Slots that have a page.</summary>
    public int Held { get; private set; }

    /// <summary>Those of them that are shared.</summary>
    public int Shared { get; private set; }

    /// <summary>Addresses of the pages of the sequence.</summary>
    public ReadOnlyMemory<nint> Sequence(int pages) => Group.Window == 0 ? _slots.AsMemory(0, pages) : _sequence.AsMemory(0, pages);

    public nint AddressOf(int page) => _slots[Group.SlotOf(page)];

    public SharedPage? SharedAt(int page) => Group.SlotOf(page) < _shared.Length ? _shared[Group.SlotOf(page)] : null;

    /// <summary>Slots that so many pages of the sequence need and that have no page.</summary>
    public int Missing(int pages)
    {
        int missing = 0;
        for (int slot = Group.Window == 0 ? Held : 0; slot < Math.Min(pages, Group.MostPages); slot++)
            missing += slot < _slots.Length && _slots[slot] != 0 ? 0 : 1;
        return missing;
    }

    /// <summary>The first slot from one on that has no page.</summary>
    public int NextMissing(int slot)
    {
        while (slot < _slots.Length && _slots[slot] != 0)
            slot++;
        return slot;
    }

    /// <summary>Makes room in the tables for so many pages of the sequence.</summary>
    public void Ensure(int pages)
    {
        int slots = Math.Min(pages, Group.MostPages);
        if (slots > _slots.Length)
        {
            int length = Math.Min(Group.MostPages, Math.Max(slots, 2 * _slots.Length));
            Array.Resize(ref _slots, length);
            Array.Resize(ref _shared, length);
        }

        if (Group.Window == 0)
            return;
        if (pages > _sequence.Length)
            Array.Resize(ref _sequence, Math.Max(pages, 2 * _sequence.Length));
        for (; _sequenceLength < pages; _sequenceLength++)
            _sequence[_sequenceLength] = _slots[Group.SlotOf(_sequenceLength)];
    }

    /// <summary>Puts a page where none is, or in the place of one that is taken care of.</summary>
    public void Put(int slot, nint address, SharedPage? shared)
    {
        Held += (address == 0 ? 0 : 1) - (_slots[slot] == 0 ? 0 : 1);
        Shared += (shared is null ? 0 : 1) - (_shared[slot] is null ? 0 : 1);
        _slots[slot] = address;
        _shared[slot] = shared;
        for (int page = slot; page < _sequenceLength; page += Group.MostPages)
            _sequence[page] = address;
    }

    /// <summary>A page that the cache alone had becomes one that others can find.</summary>
    public void Share(int page, SharedPage shared) => Put(Group.SlotOf(page), shared.Address, shared);

    /// <summary>Gives back the pages of slots from one on; shared ones from the last to the first, so that the pool drops those first that are of no use without the others.</summary>
    public void GiveBack(KvPool pool, int index, int first)
    {
        for (int slot = _slots.Length - 1; slot >= first; slot--)
        {
            nint address = _slots[slot];
            if (address == 0)
                continue;
            SharedPage? shared = _shared[slot];
            Put(slot, 0, null);
            if (shared is not null)
                pool.Return(shared);
            else
                pool.Return(index, address);
        }

        if (first == 0)
            _sequenceLength = 0;
    }

    /// <summary>Whether a page of the sequence from one to another lies in a slot that is shared.</summary>
    public bool HasShared(int first, int last)
    {
        if (Shared == 0)
            return false;
        for (int page = first; page <= Math.Min(last, Group.Window == 0 ? _slots.Length - 1 : first + Group.MostPages - 1); page++)
        {
            if (SharedAt(page) is not null)
                return true;
        }

        return false;
    }
}
