namespace Swarm.Node.Sessions;

/// <summary>
/// Step 11: what a session has sent on, row by row as encoded for the wire, for whoever takes the next hop's place. Rows may differ in length. Pages of 64 positions lie in
/// native memory as far as the budget grants, and take what their rows take; then in a file, in slots for the longest. Where neither has room, the oldest rows make way for the
/// newest: then a hop before this one has to compute them again. One owner, one thread at a time.
/// </summary>
internal sealed class RetainedRows : IDisposable
{
    /// <summary>Positions of a page.</summary>
    public const int PageRows = 64;

    private readonly RowFormat _format;
    private readonly IRetentionBudget _budget;
    private readonly SpillFile _file;

    // Those that positions [First, End) lie in, without a gap.
    private readonly List<RetainedPage> _pages = [];
    private bool _disposed;

    /// <param name="format">How rows lie.</param>
    /// <param name="budget">What may be kept in memory.</param>
    /// <param name="file">What takes the rest; disposed with this. By default one in the temporary folder.</param>
    public RetainedRows(RowFormat format, IRetentionBudget budget, SpillFile? file = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(format.MostBytes, 1);
        _format = format;
        _budget = budget;
        _file = file ?? new SpillFile();
    }

    /// <summary>How rows lie.</summary>
    public RowFormat Format => _format;

    /// <summary>Rows of positions [First, End) are there.</summary>
    public int First { get; private set; }

    /// <summary>The position after the last row.</summary>
    public int End { get; private set; }

    /// <summary>Rows that lie in memory.</summary>
    public int RowsInMemory => End - First - RowsInFile;

    /// <summary>Rows that lie in the file.</summary>
    public int RowsInFile
    {
        get
        {
            int rows = 0;
            for (int index = 0; index < _pages.Count; index++)
            {
                int start = (FirstPage + index) * PageRows;
                if (_pages[index].Memory is null)
                    rows += Math.Min(End, start + PageRows) - Math.Max(First, start);
            }

            return rows;
        }
    }

    private int SlotBytes => PageRows * _format.MostBytes;

    private int FirstPage => First / PageRows;

    /// <summary>Adds rows at the end; to an empty log, anywhere.</summary>
    /// <param name="position">Of the first of them: <see cref="End"/>, unless the log is empty.</param>
    /// <param name="rows">Whole rows.</param>
    public void Append(int position, ReadOnlySpan<byte> rows)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        int left = _format.Count(rows);
        if (First == End)
            First = End = position;
        if (position != End)
            throw new ArgumentException($"position {position}, expected {End}", nameof(position));
        while (left > 0)
        {
            int row = End % PageRows;
            int count = Math.Min(left, PageRows - row);
            int bytes = 0;
            for (int index = 0; index < count; index++)
                bytes += _format.First(rows[bytes..]);
            bool stored = TryStore(row, count, rows[..bytes]);
            End += count;

            // The disk failed within a page that it holds, or nothing has room at all: what is there ends in a gap, which is of no use to anybody.
            if (!stored)
                Lose(End);
            rows = rows[bytes..];
            left -= count;
        }
    }

    /// <summary>Forgets positions from <paramref name="end"/> on.</summary>
    public void Truncate(int end)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(end);
        if (end >= End)
            return;
        int kept = end > First ? ((end - 1) / PageRows) - FirstPage + 1 : 0;
        while (_pages.Count > kept)
            Release(_pages.Count - 1);
        End = end;
        First = Math.Min(First, end);
    }

    /// <summary>Bytes of those of rows [position, position + count) that are there.</summary>
    public long Bytes(int position, int count)
    {
        long bytes = 0;
        int end = Math.Min(End, position + count);
        for (position = Math.Max(First, position); position < end;)
        {
            int row = position % PageRows;
            int rows = Math.Min(end - position, PageRows - row);
            bytes += _pages[(position / PageRows) - FirstPage].Bytes(row, rows);
            position += rows;
        }

        return bytes;
    }

    /// <summary>
    /// Copies rows [position, position + count), which take <see cref="Bytes"/>. False when not all are there: then <see cref="First"/> may have moved, because the disk
    /// failed.
    /// </summary>
    public bool TryRead(int position, int count, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (position < First || count > End - position)
            return false;
        for (int end = position + count; position < end;)
        {
            int row = position % PageRows;
            int rows = Math.Min(end - position, PageRows - row);
            RetainedPage page = _pages[(position / PageRows) - FirstPage];
            Span<byte> part = destination[..page.Bytes(row, rows)];
            if (page.Memory is { } memory)
            {
                memory.Span.Slice(page.Start(row), part.Length).CopyTo(part);
            }
            else if (!_file.TryRead(Offset(page, row), part))
            {
                LoseFile();
                return false;
            }

            destination = destination[part.Length..];
            position += rows;
        }

        return true;
    }

    /// <summary>Forgets positions below one.</summary>
    public void Lose(int before)
    {
        int first = Math.Min(before, End);
        if (first <= First)
            return;
        int gone = first == End ? _pages.Count : (first / PageRows) - FirstPage;
        for (; gone > 0; gone--)
            Release(0);
        First = first;
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        Lose(End);
        _disposed = true;
        _file.Dispose();
    }

    private bool TryStore(int row, int count, ReadOnlySpan<byte> rows)
    {
        // Those to come are as long as these, as far as anybody knows.
        int wished = (int)Math.Min(SlotBytes, (long)rows.Length * PageRows / count);
        if (First == End || row == 0)
        {
            if (TryTakePage(Math.Max(rows.Length, wished)) is not { } fresh)
                return false;
            _pages.Add(fresh);
        }

        RetainedPage page = _pages[^1];
        int filled = page.Start(row);
        int needed = filled + rows.Length;
        while (page.Memory is not null && !page.TryGrow(_budget, needed, filled + (wished / PageRows * (PageRows - row)), filled) && !TryMove(page, filled))
        {
            if (_pages.Count == 1)
                return false;
            DropOldest();
        }

        if (page.Memory is { } memory)
            rows.CopyTo(memory.Span[filled..]);
        else if (!_file.TryWrite(Offset(page, row), rows))
            return false;
        page.Note(row, rows, _format);
        return true;
    }

    private RetainedPage? TryTakePage(int bytes)
    {
        if (RetainedPage.TryInMemory(_budget, bytes) is { } page)
            return page;
        if (_file.TryTakeSlot(SlotBytes) is { } slot)
            return RetainedPage.InFile(slot);

        // A file that has failed gives nothing back either; what is in front of its pages is cut off from the end.
        if (_file.HasFailed)
            LoseFile();
        while (_pages.Count > 0)
        {
            bool inFile = _pages[0].Memory is null;
            DropOldest();
            if (!inFile && RetainedPage.TryInMemory(_budget, bytes) is { } freed)
                return freed;
            if (inFile && _file.TryTakeSlot(SlotBytes) is { } given)
                return RetainedPage.InFile(given);
        }

        return RetainedPage.TryInMemory(_budget, bytes);
    }

    private void DropOldest()
    {
        Release(0);
        First = Math.Min(End, (FirstPage + 1) * PageRows);
    }

    // A page that its memory does not hold any more, with what is in it.
    private bool TryMove(RetainedPage page, int filled)
    {
        if (_file.TryTakeSlot(SlotBytes) is not { } slot)
            return false;
        if (!_file.TryWrite((long)slot * SlotBytes, page.Memory!.Span[..filled]))
        {
            _file.ReturnSlot(slot);
            return false;
        }

        page.MoveToFile(_budget, slot);
        return true;
    }

    private void LoseFile()
    {
        int last = _pages.FindLastIndex(page => page.Memory is null);
        if (last >= 0)
            Lose((FirstPage + last + 1) * PageRows);
    }

    private void Release(int index)
    {
        RetainedPage page = _pages[index];
        _pages.RemoveAt(index);
        if (page.Memory is null)
            _file.ReturnSlot(page.Slot);
        else
            page.GiveBack(_budget);
    }

    private long Offset(RetainedPage page, int row) => ((long)page.Slot * SlotBytes) + page.Start(row);
}
