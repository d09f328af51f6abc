using Swarm.Protocol.Links;

namespace Swarm.Node.Sessions;

/// <summary>
/// Step 11: what a session has sent on, row by row as encoded for the wire, for whoever takes the next hop's place. Pages of 64 positions lie in native memory as far as the
/// budget grants, then in a file. Where neither has room, the oldest rows make way for the newest: then a hop before this one has to compute them again. One owner, one
/// thread at a time.
/// </summary>
internal sealed class RetainedRows : IDisposable
{
    /// <summary>Positions of a page.</summary>
    public const int PageRows = 64;

    private readonly int _rowBytes;
    private readonly IRetentionBudget _budget;
    private readonly SpillFile _file;

    // Those that positions [First, End) lie in, without a gap.
    private readonly List<Page> _pages = [];
    private bool _disposed;

    /// <param name="rowBytes">Bytes of a row.</param>
    /// <param name="budget">What may be kept in memory.</param>
    /// <param name="file">What takes the rest; disposed with this. By default one in the temporary folder.</param>
    public RetainedRows(int rowBytes, IRetentionBudget budget, SpillFile? file = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rowBytes, 1);
        _rowBytes = rowBytes;
        _budget = budget;
        _file = file ?? new SpillFile();
    }

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

    private int PageBytes => PageRows * _rowBytes;

    private int FirstPage => First / PageRows;

    /// <summary>Adds rows at the end; to an empty log, anywhere.</summary>
    /// <param name="position">Of the first of them: <see cref="End"/>, unless the log is empty.</param>
    /// <param name="rows">Whole rows.</param>
    public void Append(int position, ReadOnlySpan<byte> rows)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        if (rows.Length % _rowBytes != 0)
            throw new ArgumentException($"{rows.Length} bytes, expected whole rows of {_rowBytes}", nameof(rows));
        if (First == End)
            First = End = position;
        if (position != End)
            throw new ArgumentException($"position {position}, expected {End}", nameof(position));
        while (rows.Length > 0)
        {
            int row = End % PageRows;
            ReadOnlySpan<byte> part = rows[..Math.Min(rows.Length, (PageRows - row) * _rowBytes)];
            if (!TryStore(row, part))
            {
                // The disk failed within a page that it holds, or nothing has room at all: what is there ends in a gap, which is of no use to anybody.
                End += part.Length / _rowBytes;
                Lose(End);
            }
            else
            {
                End += part.Length / _rowBytes;
            }

            rows = rows[part.Length..];
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

    /// <summary>Copies rows [position, position + count). False when not all are there: then <see cref="First"/> may have moved, because the disk failed.</summary>
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
            Span<byte> part = destination[..(rows * _rowBytes)];
            Page page = _pages[(position / PageRows) - FirstPage];
            if (page.Memory is { } memory)
            {
                memory.Span.Slice(row * _rowBytes, part.Length).CopyTo(part);
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

    private bool TryStore(int row, ReadOnlySpan<byte> part)
    {
        if (First == End || row == 0)
        {
            if (TryTakePage() is not { } fresh)
                return false;
            _pages.Add(fresh);
        }

        Page page = _pages[^1];
        if (page.Memory is { } memory)
        {
            part.CopyTo(memory.Span[(row * _rowBytes)..]);
            return true;
        }

        return _file.TryWrite(Offset(page, row), part);
    }

    private Page? TryTakePage()
    {
        if (_budget.TryTake(PageBytes))
            return new Page(new NativeBytes(PageBytes), 0);
        if (_file.TryTakeSlot(PageBytes) is { } slot)
            return new Page(null, slot);
        if (_pages.Count == 0)
            return null;

        // A file that has failed gives nothing back either; what is in front of its pages is cut off from the end.
        if (_file.HasFailed)
            LoseFile();
        if (_pages.Count == 0)
            return _budget.TryTake(PageBytes) ? new Page(new NativeBytes(PageBytes), 0) : null;
        Page oldest = _pages[0];
        _pages.RemoveAt(0);
        First = Math.Min(End, (FirstPage + 1) * PageRows);
        return oldest;
    }

    private void LoseFile()
    {
        int last = _pages.FindLastIndex(page => page.Memory is null);
        if (last >= 0)
            Lose((FirstPage + last + 1) * PageRows);
    }

    private void Release(int index)
    {
        Page page = _pages[index];
        _pages.RemoveAt(index);
        if (page.Memory is { } memory)
        {
            memory.Dispose();
            _budget.Return(PageBytes);
        }
        else
        {
            _file.ReturnSlot(page.Slot);
        }
    }

    private long Offset(Page page, int row) => ((long)page.Slot * PageBytes) + ((long)row * _rowBytes);

    // Without memory it lies in the file's slot.
    private readonly record struct Page(NativeBytes? Memory, int Slot);
}
