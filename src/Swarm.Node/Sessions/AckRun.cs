namespace Swarm.Node.Sessions;

/// <summary>An acknowledgement: of a step, and of so many right before it.</summary>
internal readonly record struct StepAcknowledgement(InboundLink Link, ulong Number, int Before);

/// <summary>
/// When a session's steps are acknowledged. Each at once, but in a run of decode steps only every eighth, with those before it: an acknowledgement wakes the sender, which has nothing to do
/// with it while its window is wide open. Plain rule; the table's lock guards it.
/// </summary>
internal sealed class AckRun
{
    /// <summary>Most steps that one acknowledgement is for.</summary>
    public const int Longest = 8;

    private InboundLink? _link;
    private ulong _last;
    private int _held;

    /// <summary>A step has arrived.</summary>
    /// <param name="link">By which link.</param>
    /// <param name="number">Its number.</param>
    /// <param name="isDecode">One token, by the link for decode.</param>
    /// <param name="before">What was held back and is due now, because the run is over; null: nothing.</param>
    /// <returns>What is due for this step; null: it is held back.</returns>
    public StepAcknowledgement? Take(InboundLink link, ulong number, bool isDecode, out StepAcknowledgement? before)
    {
        before = null;
        if (isDecode && link == _link && number == _last + 1)
        {
            _last = number;
            if (++_held < Longest)
                return null;
            _held = 0;
            return new StepAcknowledgement(link, number, Longest - 1);
        }

        if (_held > 0)
            before = new StepAcknowledgement(_link!, _last, _held - 1);
        _held = 0;
        _link = isDecode ? link : null;
        _last = number;
        return new StepAcknowledgement(link, number, 0);
    }

    /// <summary>Another epoch begins.</summary>
    public void Reset() => (_link, _held) = (null, 0);
}
