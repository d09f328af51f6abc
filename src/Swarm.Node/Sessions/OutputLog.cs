using Google.Protobuf;
using Google.Protobuf.Collections;
using Swarm.Node.SwarmEnds;
using Swarm.Protocol.Wire;

namespace Swarm.Node.Sessions;

/// <summary>
/// Step 11: what this hop has computed for the next one: the rows, as encoded, and of which steps they are, as long as the client may lack the results. Whoever takes
/// the next hop's place is fed from here. Rules only; the lock is its user's.
/// </summary>
internal sealed class OutputLog(RetainedRows rows) : IDisposable
{
    /// <summary>Rows of a replayed step.</summary>
    public const int ReplayTokens = 128;

    private readonly SlidingList<StepMark> _marks = new();
    private bool _disposed;

    /// <summary>The ids that go on with the rows; null with local ends.</summary>
    public TokenLog? Tokens { get; init; }

    /// <summary>How rows lie.</summary>
    public RowFormat Format => rows.Format;

    /// <summary>The client's names of its beginnings; they go on with the rows.</summary>
    public LabelLog Labels { get; } = new();

    /// <summary>Held while it is used.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The client has all results below it.</summary>
    public int Confirmed { get; private set; }

    /// <summary>Rows of positions [First, End) are there.</summary>
    public int First => rows.First;

    /// <summary>The position after the last step computed.</summary>
    public int End { get; private set; }

    /// <summary>Steps whose results the client may lack.</summary>
    public int Marks => _marks.Count;

    /// <summary>Adds a step's output, at <see cref="End"/>.</summary>
    public void Append(StepMark step, bool replay, ReadOnlySpan<byte> encoded, RepeatedField<uint>? tokenIds = null, RepeatedField<ByteString>? labels = null)
    {
        if (_disposed)
            return;
        rows.Append(step.Position, encoded);
        if (tokenIds is not null)
            Tokens?.Write(step.Position, tokenIds);
        if (labels is null)
            Labels.Truncate(step.Position);
        else
            Labels.Write(step.Position, step.Count, labels);
        End = step.End;
        if (!replay)
            _marks.Add(step);
    }

    /// <summary>Adds the first positions of a page that another session computed, at <see cref="End"/>.</summary>
    public void Append(PageOutput page, int positions)
    {
        if (_disposed)
            return;
        rows.Append(End, page.Rows(positions));
        Tokens?.Append(page.Ids(positions));
        End += positions;
    }

    /// <summary>Forgets rows from a position on, and steps that reach beyond it.</summary>
    public void Truncate(int end)
    {
        int cut = 0;
        while (cut < _marks.Count && _marks[_marks.Count - 1 - cut].End > end)
            cut++;
        _marks.RemoveLast(cut);
        if (_disposed || end >= End)
            return;
        rows.Truncate(end);
        Tokens?.Truncate(end);
        Labels.Truncate(end);
        End = end;
    }

    /// <summary>The same, but a step that a position cuts goes as a whole. Returns the new end.</summary>
    public int TruncateToSteps(int end)
    {
        for (int index = _marks.Count - 1; index >= 0 && _marks[index].End > end; index--)
            end = Math.Min(end, _marks[index].Position);
        Truncate(end);
        return End;
    }

    /// <summary>The client has all results below a position.</summary>
    public void Confirm(int position)
    {
        Confirmed = position;
        int known = 0;
        while (known < _marks.Count && _marks[known].End <= position)
            known++;
        if (known > 0)
            _marks.RemoveFirst(known);
    }

    /// <summary>Whether a next hop that holds positions up to one can be given the rest.</summary>
    public bool CanFeedFrom(int position) => position >= End || position >= rows.First;

    /// <summary>What a next hop that has everything below a position gets next; false when there is nothing more.</summary>
    public bool TryNext(int position, out Stretch stretch)
    {
        stretch = default;
        if (position >= End)
            return false;
        int index = 0;
        while (index < _marks.Count && _marks[index].End <= position)
            index++;
        if (index < _marks.Count && _marks[index].Position <= position)
        {
            StepMark step = _marks[index];
            stretch = new Stretch(position, step.End - position, step.Outputs, step.IsBulk, false);
            return true;
        }

        int end = index < _marks.Count ? _marks[index].Position : End;
        stretch = new Stretch(position, Math.Min(ReplayTokens, end - position), Outputs.None, true, true);
        return true;
    }

    /// <summary>Bytes of rows, as far as they are there.</summary>
    public long Bytes(int position, int count) => _disposed ? 0 : rows.Bytes(position, count);

    /// <summary>Copies rows; false when they are not all there.</summary>
    public bool TryRead(int position, int count, Span<byte> destination) => !_disposed && rows.TryRead(position, count, destination);

    /// <summary>Forgets rows below a position, as when the disk fails.</summary>
    public void Lose(int before) => rows.Lose(before);

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        End = 0;
        rows.Dispose();
    }
}
