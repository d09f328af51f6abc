using Swarm.Protocol.Links;

namespace Swarm.Node.Sessions;

/// <summary>Rows of up to <see cref="RetainedRows.PageRows"/> positions: in memory that was granted, or in a slot of the file. One owner.</summary>
internal sealed class RetainedPage
{
    // Bytes up to the end of each row; 0 for those before the first that is here.
    private readonly int[] _ends = new int[RetainedRows.PageRows];

    private RetainedPage(NativeBytes? memory, int slot) => (Memory, Slot) = (memory, slot);

    /// <summary>Null for a page that lies in the file.</summary>
    public NativeBytes? Memory { get; private set; }

    /// <summary>Which slot of the file, without memory.</summary>
    public int Slot { get; private set; }

    /// <summary>Takes memory; null where the budget grants none.</summary>
    public static RetainedPage? TryInMemory(IRetentionBudget budget, int bytes) => budget.TryTake(bytes) ? new RetainedPage(new NativeBytes(bytes), 0) : null;

    /// <summary>In a slot that was taken.</summary>
    public static RetainedPage InFile(int slot) => new(null, slot);

    /// <summary>Where a row begins, or would.</summary>
    public int Start(int row) => row == 0 ? 0 : _ends[row - 1];

    /// <summary>Bytes of rows [row, row + count).</summary>
    public int Bytes(int row, int count) => Start(row + count) - Start(row);

    /// <summary>Notes rows that were put at the end, from a row on.</summary>
    public void Note(int row, ReadOnlySpan<byte> rows, RowFormat format)
    {
        int end = Start(row);
        for (int at = 0; at < rows.Length; row++)
        {
            int bytes = format.First(rows[at..]);
            at += bytes;
            _ends[row] = end += bytes;
        }
    }

    /// <summary>Makes the memory that is there hold so many bytes. False where the budget grants no more.</summary>
    /// <param name="budget">Whose bytes they are.</param>
    /// <param name="needed">At least.</param>
    /// <param name="wished">Taken where it is granted.</param>
    /// <param name="filled">Bytes that are there.</param>
    public bool TryGrow(IRetentionBudget budget, int needed, int wished, int filled)
    {
        NativeBytes memory = Memory!;
        if (needed <= memory.Length)
            return true;
        int length = Math.Max(needed, wished);
        if (!budget.TryTake(length - memory.Length))
        {
            length = needed;
            if (!budget.TryTake(length - memory.Length))
                return false;
        }

        Memory = new NativeBytes(length);
        memory.Span[..filled].CopyTo(Memory.Span);
        memory.Dispose();
        return true;
    }

    /// <summary>Its rows lie in a slot now.</summary>
    public void MoveToFile(IRetentionBudget budget, int slot)
    {
        GiveBack(budget);
        Slot = slot;
    }

    /// <summary>Gives memory back.</summary>
    public void GiveBack(IRetentionBudget budget)
    {
        if (Memory is not { } memory)
            return;
        Memory = null;
        memory.Dispose();
        budget.Return(memory.Length);
    }
}
