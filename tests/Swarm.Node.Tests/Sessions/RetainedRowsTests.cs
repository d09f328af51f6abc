using Swarm.Node.Sessions;
using Swarm.Protocol;
using Swarm.Testing;

namespace Swarm.Node.Tests.Sessions;

public sealed class RetainedRowsTests
{
    private const int RowBytes = 12;
    private const int MostVaried = 200;
    private const int PageBytes = RetainedRows.PageRows * RowBytes;

    private static readonly RowFormat Format = new(RowBytes, _ => RowBytes);

    // The first byte says how many follow it.
    private static readonly RowFormat Varied = new(MostVaried, rows => rows[0] + 1);

    [Theory]
    [InlineData(100)]
    [InlineData(2)]
    [InlineData(0)]
    public void TryRead_AnyStretch_GivesTheBytesThatWereAppended(int pagesInMemory)
    {
        var budget = new RetentionGrant(pagesInMemory * PageBytes);
        using var folder = new TemporaryFolder();
        using (var rows = new RetainedRows(Format, budget, new SpillFile(folder.Path)))
        {
            Fill(rows, 37, 400, step: 23);
            Assert.Equal((37, 400), (rows.First, rows.End));
            foreach ((int position, int count) in new[] { (37, 363), (37, 1), (63, 2), (64, 64), (127, 130), (399, 1), (200, 0) })
                AssertThere(rows, position, count);
            var destination = new byte[401 * RowBytes];
            Assert.False(rows.TryRead(36, 1, destination));
            Assert.False(rows.TryRead(399, 2, destination));

            // Whose place each row has: the counters of the fast path (memory) and the slow one.
            int inMemory = Math.Min(363, pagesInMemory == 0 ? 0 : (pagesInMemory * 64) - 37);
            Assert.Equal((inMemory, 363 - inMemory), (rows.RowsInMemory, rows.RowsInFile));
            Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        }

        Assert.Equal(pagesInMemory * PageBytes, budget.Left);
    }

    [Theory]
    [InlineData(160)]
    [InlineData(128)]
    [InlineData(127)]
    [InlineData(64)]
    [InlineData(20)]
    [InlineData(0)]
    public void Truncate_OnBothSidesOfTheBorder_NewRowsTakeThePlace(int end)
    {
        var budget = new RetentionGrant(2 * PageBytes);
        using var rows = new RetainedRows(Format, budget);
        Fill(rows, 0, 300, step: 50);
        Assert.Equal((128, 172), (rows.RowsInMemory, rows.RowsInFile));
        rows.Truncate(500);
        Assert.Equal(300, rows.End);
        rows.Truncate(end);
        Assert.Equal((0, end), (rows.First, rows.End));
        Assert.Equal((Math.Min(end, 128), Math.Max(0, end - 128)), (rows.RowsInMemory, rows.RowsInFile));
        Assert.Equal((2 - Math.Min(2, (end + 63) / 64)) * PageBytes, budget.Left);
        AssertThere(rows, 0, end);
        Fill(rows, end, 310, step: 7, salt: 1);
        AssertThere(rows, 0, end);
        AssertThere(rows, end, 310 - end, salt: 1);
    }

    [Fact]
    public void Truncate_BelowTheFirst_LeavesAnEmptyLogThatStartsAnywhere()
    {
        var budget = new RetentionGrant(10 * PageBytes);
        using var rows = new RetainedRows(Format, budget);
        Fill(rows, 100, 300, step: 50);
        rows.Truncate(90);
        Assert.Equal((90, 90), (rows.First, rows.End));
        Assert.Equal(10 * PageBytes, budget.Left);
        Fill(rows, 70, 75, step: 1);
        Assert.Equal((70, 75), (rows.First, rows.End));
        AssertThere(rows, 70, 5);
    }

    [Fact]
    public void Lose_SomeOrAll_FreesTheirPagesAndKeepsTheRest()
    {
        var budget = new RetentionGrant(3 * PageBytes);
        using var rows = new RetainedRows(Format, budget);
        Fill(rows, 10, 300, step: 50);
        rows.Lose(5);
        Assert.Equal(10, rows.First);
        rows.Lose(100);
        Assert.Equal((100, 300), (rows.First, rows.End));
        Assert.Equal(PageBytes, budget.Left);
        Assert.False(rows.TryRead(99, 1, new byte[RowBytes]));
        AssertThere(rows, 100, 200);

        // What came back is taken again, also behind pages that lie in the file.
        Fill(rows, 300, 330, step: 1);
        Assert.Equal(0, budget.Left);
        AssertThere(rows, 100, 230);
        rows.Lose(1000);
        Assert.Equal((330, 330), (rows.First, rows.End));
        Assert.Equal(3 * PageBytes, budget.Left);
    }

    [Fact]
    public void Append_NowhereToMakeTheFile_KeepsTheNewestRows()
    {
        var budget = new RetentionGrant(2 * PageBytes);
        using var rows = new RetainedRows(Format, budget, new SpillFile("/nowhere/at/all"));
        Fill(rows, 0, 150, step: 50);
        Assert.Equal((64, 150), (rows.First, rows.End));
        AssertThere(rows, 64, 86);
        Fill(rows, 150, 400, step: 3);
        Assert.Equal((320, 400), (rows.First, rows.End));
        AssertThere(rows, 320, 80);
        Assert.Equal((80, 0), (rows.RowsInMemory, rows.RowsInFile));
    }

    [Fact]
    public void Append_BeyondTheBoundOfTheFile_KeepsTheNewestRows()
    {
        using var rows = new RetainedRows(Format, new RetentionGrant(PageBytes), new SpillFile(mostBytes: 2 * PageBytes));
        Fill(rows, 0, 250, step: 10);
        Assert.Equal((64, 250), (rows.First, rows.End));
        AssertThere(rows, 64, 186);
        Assert.Equal((58, 128), (rows.RowsInMemory, rows.RowsInFile));
    }

    [Fact]
    public void Append_DiskFailsWithinAPage_TheRowsAreLostAndNothingElse()
    {
        var file = new SpillFile();
        using var rows = new RetainedRows(Format, new RetentionGrant(PageBytes), file);
        Fill(rows, 0, 100, step: 10);
        file.Dispose();
        Fill(rows, 100, 110, step: 10);
        Assert.Equal((110, 110), (rows.First, rows.End));
        Fill(rows, 110, 140, step: 10);
        Assert.Equal((128, 140), (rows.First, rows.End));
        AssertThere(rows, 128, 12);
    }

    [Fact]
    public void TryRead_DiskFails_FirstMovesBehindWhatItHeld()
    {
        var budget = new RetentionGrant(PageBytes);
        var file = new SpillFile();
        using var rows = new RetainedRows(Format, budget, file);
        Fill(rows, 0, 192, step: 10);
        rows.Lose(64);
        Fill(rows, 192, 200, step: 1);
        Assert.Equal((8, 128), (rows.RowsInMemory, rows.RowsInFile));
        file.Dispose();
        Assert.False(rows.TryRead(70, 1, new byte[RowBytes]));
        Assert.Equal((192, 200), (rows.First, rows.End));
        AssertThere(rows, 192, 8);
    }

    [Fact]
    public void Append_NothingGranted_LosesRowsAndGoesOn()
    {
        using var rows = new RetainedRows(Format, new RetentionGrant(0), new SpillFile("/nowhere/at/all"));
        Fill(rows, 0, 100, step: 9);
        Assert.Equal((100, 100), (rows.First, rows.End));
    }

    [Fact]
    public void Append_AnotherPositionOrHalfARow_IsRefused()
    {
        using var rows = new RetainedRows(Format, new RetentionGrant(PageBytes));
        Fill(rows, 5, 10, step: 1);
        Assert.Throws<ArgumentException>(() => rows.Append(11, new byte[RowBytes]));
        Assert.Throws<ArgumentException>(() => rows.Append(10, new byte[RowBytes + 1]));
    }

    [Theory]
    [InlineData(1_000_000)]
    [InlineData(15_000)]
    [InlineData(0)]
    public void TryRead_RowsThatDifferInLength_GivesTheBytesThatWereAppended(int granted)
    {
        var budget = new RetentionGrant(granted);
        var random = new SeededRandomSource(7);
        using (var rows = new RetainedRows(Varied, budget))
        {
            var content = new List<byte[]>();
            int Next(int below) => (int)(random.NextUInt64() % (uint)below);
            for (int round = 0; round < 200; round++)
            {
                var added = new List<byte[]>();
                for (int count = 1 + Next(90); count > 0; count--)
                    added.Add(VariedRow(content.Count + added.Count, round, Next(round % 3 == 0 ? MostVaried : 20)));
                rows.Append(10 + content.Count, added.SelectMany(row => row).ToArray());
                content.AddRange(added);
                if (round % 5 == 4)
                {
                    int end = Math.Max(0, content.Count - Next(200));
                    rows.Truncate(10 + end);
                    content.RemoveRange(end, content.Count - end);
                }

                Assert.Equal((10, 10 + content.Count), (rows.First, rows.End));
                int first = Next(content.Count + 1);
                int length = Next(content.Count - first + 1);
                byte[] expected = [.. content.Skip(first).Take(length).SelectMany(row => row)];
                Assert.Equal(expected.Length, rows.Bytes(10 + first, length));
                var read = new byte[expected.Length];
                Assert.True(rows.TryRead(10 + first, length, read));
                Assert.Equal(expected, read);
            }

            Assert.Equal(granted == 1_000_000, rows.RowsInFile == 0);
            Assert.Equal(granted == 0, rows.RowsInMemory == 0);
        }

        Assert.Equal(granted, budget.Left);
    }

    [Fact]
    public void Append_ShortRows_ChargesWhatTheyTakeAndNotWhatTheyMight()
    {
        var budget = new RetentionGrant(1_000_000);
        using var rows = new RetainedRows(Varied, budget);
        for (int position = 0; position < 256; position++)
            rows.Append(position, VariedRow(position, 0, position % 64 == 40 ? 60 : 29));
        Assert.InRange(1_000_000 - budget.Left, rows.Bytes(0, 256), rows.Bytes(0, 256) * 5 / 4);
    }

    [Fact]
    public void Append_RowsGrowAndNothingElseHasRoom_TheOldestMakeWay()
    {
        var budget = new RetentionGrant(3 * 64 * 30);
        using var rows = new RetainedRows(Varied, budget, new SpillFile("/nowhere/at/all"));
        for (int position = 0; position < 160; position++)
            rows.Append(position, VariedRow(position, 0, position < 140 ? 29 : 150));
        Assert.Equal((64, 160), (rows.First, rows.End));
        var read = new byte[rows.Bytes(64, 96)];
        Assert.True(rows.TryRead(64, 96, read));
        Assert.Equal(Enumerable.Range(64, 96).SelectMany(position => VariedRow(position, 0, position < 140 ? 29 : 150)), read);
    }

    [Theory]
    [InlineData(new byte[] { 3, 1, 2 })]
    [InlineData(new byte[] { 1, 1, 4, 0 })]
    public void Append_RowThatGoesBeyondTheBytes_IsRefused(byte[] bytes)
    {
        using var rows = new RetainedRows(Varied, new RetentionGrant(PageBytes));
        Assert.Throws<ArgumentException>(() => rows.Append(0, bytes));
        Assert.Equal((0, 0), (rows.First, rows.End));
    }

    private static byte[] VariedRow(int position, int salt, int length)
    {
        var row = new byte[1 + length];
        row[0] = (byte)length;
        for (int index = 1; index < row.Length; index++)
            row[index] = (byte)(((uint)((position * 1009) + (index * 31) + (salt * 77)) * 2_654_435_761) >> 13);
        return row;
    }

    private static void Fill(RetainedRows rows, int position, int end, int step, int salt = 0)
    {
        while (position < end)
        {
            int count = Math.Min(step, end - position);
            rows.Append(position, Content(position, count, salt));
            position += count;
        }
    }

    private static void AssertThere(RetainedRows rows, int position, int count, int salt = 0)
    {
        var read = new byte[count * RowBytes];
        Assert.True(rows.TryRead(position, count, read));
        Assert.Equal(Content(position, count, salt), read);
    }

    // Every byte differs from its neighbours, and every row from every other.
    private static byte[] Content(int position, int count, int salt)
    {
        var bytes = new byte[count * RowBytes];
        for (int index = 0; index < bytes.Length; index++)
        {
            uint mixed = (uint)((position * RowBytes) + index + (salt * 1_000_003)) * 2_654_435_761;
            bytes[index] = (byte)(mixed >> 13);
        }

        return bytes;
    }
}
