namespace Swarm.Client;

/// <summary>
/// A session's steps that have not come back, in the order in which they were asked for, and what follows from them. Plain rules; the session's lock guards it.
/// </summary>
/// <remarks>
/// Results are known by (position, count). So that this is unambiguous, a step that overwrites positions waits until the steps that hold them have come back; and after results
/// of an earlier epoch were taken, whose repetition may still come, it waits for another epoch (<see cref="MayRepeat"/>).
/// </remarks>
internal sealed class PendingSteps
{
    private readonly List<PendingStep> _steps = [];

    /// <summary>Positions asked for so far.</summary>
    public int Length { get; private set; }

    public int Count => _steps.Count;

    public bool Contains(PendingStep step) => _steps.Contains(step);

    public bool HasUnsent => _steps.Exists(static step => !step.IsSent);

    /// <summary>The epoch in which steps are sent now.</summary>
    public uint Epoch { get; private set; }

    /// <summary>A result that nobody waits for any more may still come in this epoch.</summary>
    public bool MayRepeat { get; private set; }

    /// <summary>Positions below it have come back, or were overwritten.</summary>
    public int Confirmed
    {
        get
        {
            int least = _steps.Count == 0 ? Length : int.MaxValue;
            foreach (PendingStep step in _steps)
                least = Math.Min(least, step.Position);
            return least;
        }
    }

    /// <summary>Positions above it count no more, whatever a hop holds.</summary>
    public int Valid => _steps.Exists(static step => step.IsRollback) ? Confirmed : Length;

    /// <summary>Up to here a chain is filled from the source; then come the steps themselves.</summary>
    public int FirstPosition => _steps.Count == 0 ? Length : _steps[0].Position;

    /// <summary>Begins after positions that the chain has already.</summary>
    public void Begin(int length) => Length = length;

    public void Add(PendingStep step)
    {
        _steps.Add(step);
        Length = step.End;
    }

    /// <summary>The next step that may go out, in order, or null.</summary>
    public PendingStep? NextToSend()
    {
        int end = 0;
        foreach (PendingStep step in _steps)
        {
            if (!step.IsSent)
                return step.IsRollback && end > step.Position ? null : step;
            end = Math.Max(end, step.End);
        }

        return null;
    }

    /// <summary>Marks a step as sent in the current epoch.</summary>
    public void OnSent(PendingStep step)
    {
        step.IsSent = true;
        step.FirstEpoch ??= Epoch;
    }

    /// <summary>The step that a result answers; null: none waits for it any more.</summary>
    public PendingStep? Find(uint position, uint count, uint epoch)
    {
        foreach (PendingStep step in _steps)
        {
            if (step.FirstEpoch <= epoch && step.Position == position && step.Count == count)
                return step;
        }

        return null;
    }

    /// <summary>A step has come back, by a result of an epoch. False when it had already.</summary>
    public bool Remove(PendingStep step, uint epoch)
    {
        if (!_steps.Remove(step))
            return false;
        // The chain of the current epoch may have been asked for the same.
        MayRepeat |= epoch < Epoch;
        return true;
    }

    /// <summary>
    /// Begins another epoch: everything is to be sent again. Steps that a later one overwrites are taken out and given back: what they were fed with is not known any more.
    /// </summary>
    public IReadOnlyList<PendingStep> BeginEpoch(uint epoch)
    {
        IReadOnlyList<PendingStep> given = DropOverwritten();
        Epoch = epoch;
        MayRepeat = false;
        foreach (PendingStep step in _steps)
            step.IsSent = false;
        return given;
    }

    /// <summary>Hops were told <see cref="Valid"/>.</summary>
    public void OnTold()
    {
        foreach (PendingStep step in _steps)
            step.IsTold |= step.IsRollback;
    }

    /// <summary>The same while a chain is being opened, which may answer them still.</summary>
    public IReadOnlyList<PendingStep> DropOverwritten()
    {
        List<PendingStep> given = [];
        for (int index = _steps.Count - 1; index > 0; index--)
        {
            if (!_steps[index].IsRollback)
                continue;
            int position = _steps[index].Position;
            for (int before = index - 1; before >= 0; before--)
            {
                if (_steps[before].End <= position)
                    continue;
                given.Add(_steps[before]);
                _steps.RemoveAt(before);
                index--;
            }
        }

        MayRepeat |= given.Count > 0;
        return given;
    }

    /// <summary>What the first hop holds, up to <paramref name="start"/>, goes on from there without this side.</summary>
    public void OnHeld(int start)
    {
        foreach (PendingStep step in _steps)
        {
            if (step.End <= start && step.FirstEpoch is not null)
                step.IsSent = true;
        }
    }

    /// <summary>Gives up: all are taken out, and the session is as long as what has come back.</summary>
    public IReadOnlyList<PendingStep> Clear()
    {
        Length = Confirmed;
        PendingStep[] all = [.. _steps];
        _steps.Clear();
        return all;
    }
}
