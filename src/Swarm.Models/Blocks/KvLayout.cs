using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// Where the keys and values of a span's blocks lie, in pages of <see cref="KernelSet.PagePositions"/> positions. Blocks that see all positions share pages; those with a window share pages
/// with others of the same window, of which a cache has no more than the window touches.
/// </summary>
public sealed record KvLayout
{
    private readonly (int Group, long Offset)[] _places;
    private readonly KvGroup[] _groups;
    private readonly int _context;
    private readonly IReadOnlyList<KvBlock> _blocks;

    /// <summary>Of blocks that all see every position.</summary>
    /// <param name="span">The blocks.</param>
    /// <param name="blockBytes">Bytes of one block in a page.</param>
    public KvLayout(BlockSpan span, long blockBytes)
        : this(span, [.. Enumerable.Repeat(new KvBlock(blockBytes, 0), span.Count)], int.MaxValue)
    {
    }

    /// <param name="span">The blocks.</param>
    /// <param name="blocks">What each of them keeps.</param>
    /// <param name="context">Most positions of a session. A window whose pages hold as many is none.</param>
    public KvLayout(BlockSpan span, IReadOnlyList<KvBlock> blocks, int context)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(blocks.Count, span.Count);
        Span = span;
        _context = context;
        _blocks = blocks;
        _places = new (int, long)[blocks.Count];
        List<int> windows = [0];
        List<long> bytes = [0];
        for (int i = 0; i < blocks.Count; i++)
        {
            int window = KvGroup.PagesOf(blocks[i].Window) < PagesFor(context) ? blocks[i].Window : 0;
            int group = windows.IndexOf(window);
            if (group < 0)
            {
                group = windows.Count;
                windows.Add(window);
                bytes.Add(0);
            }

            _places[i] = (group, bytes[group]);
            bytes[group] += blocks[i].PageBytes;
        }

        _groups = [.. windows.Zip(bytes, (window, size) => new KvGroup(window, size))];
    }

    /// <summary>The blocks.</summary>
    public BlockSpan Span { get; }

    /// <summary>Those that see all positions, of which there may be none, then one group for each window.</summary>
    public IReadOnlyList<KvGroup> Groups => _groups;

    /// <summary>Bytes of a page of each group: of the first 64 positions.</summary>
    public long PageBytes => _groups.Sum(group => group.PageBytes);

    /// <summary>Bytes that each of the first positions takes, on average over a full page.</summary>
    public long PositionBytes => PageBytes / KernelSet.PagePositions;

    /// <summary>Layout of a span under a kernel set.</summary>
    public static KvLayout For(ModelConfig config, BlockSpan span, KernelSet kernels)
    {
        var blocks = new KvBlock[span.Count];
        for (int i = 0; i < blocks.Length; i++)
        {
            AttentionShape shape = AttentionPart.ShapeOf(config, span.Start + i);
            blocks[i] = new KvBlock(kernels.KvPageBytes(shape), shape.Window);
        }

        return new KvLayout(span, blocks, config.Context);
    }

    /// <summary>Pages that hold so many positions.</summary>
    public static int PagesFor(int positions) => (int)(((long)positions + KernelSet.PagePositions - 1) / KernelSet.PagePositions);

    /// <summary>In which group a block is, and where its part starts in each of the group's pages.</summary>
    public (int Group, long Offset) PlaceOf(int block) => _places[block - Span.Start];

    /// <summary>Bytes of the pages that a session of so many positions has.</summary>
    public long BytesFor(int positions)
    {
        long bytes = 0;
        foreach (KvGroup group in _groups)
            bytes += group.PagesFor(positions) * group.PageBytes;
        return bytes;
    }

    /// <summary>Positions that so many bytes hold, in whole pages: as many sessions of the whole context as there is room for, and one more as far as it goes.</summary>
    public long PositionsIn(long bytes)
    {
        int most = PagesFor(_context);
        long whole = BytesFor(_context);
        if (whole <= 0)
            return 0;
        (long sessions, long left) = Math.DivRem(Math.Max(0, bytes), whole);
        int low = 0;
        for (int high = most; low < high;)
        {
            int middle = (int)(((long)low + high + 1) / 2);
            if (BytesFor((int)Math.Min(int.MaxValue, (long)middle * KernelSet.PagePositions)) <= left)
                low = middle;
            else
                high = middle - 1;
        }

        return Math.Min(int.MaxValue, Math.Min(int.MaxValue, sessions) * most + low) * KernelSet.PagePositions;
    }

    /// <summary>The same blocks, which keep all positions whatever their windows: for a test that compares.</summary>
    internal KvLayout WithoutBounds() => new(Span, [.. _blocks.Select(block => block with { Window = 0 })], _context);

    /// <summary>Layouts of the same blocks that keep the same are one.</summary>
    public bool Equals(KvLayout? other) =>
        other is not null && Span == other.Span && _context == other._context && _places.AsSpan().SequenceEqual(other._places) && _groups.AsSpan().SequenceEqual(other._groups);

    public override int GetHashCode() => HashCode.Combine(Span, _context, PageBytes, _groups.Length);
}
