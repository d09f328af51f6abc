namespace Swarm.Node.Sessions;

/// <summary>
/// Step 8: decides what the next pass computes. Short steps (decode) of all sessions go together; long ones (prefill) go in chunks of bounded size, one
/// chunk between two decode passes, so that decode never starves and prefill always moves. Steps of a session keep their order. Where not all find a place, clients take turns,
/// whatever the number of their sessions, and a client's sessions among themselves. Rules only: no clock, no thread, no device.
/// </summary>
internal sealed class StepScheduler(int decodeTokens = StepScheduler.DefaultDecodeTokens, int chunkTokens = StepScheduler.DefaultChunkTokens)
{
    /// <summary>A step of at most so many tokens is decode.</summary>
    public const int DefaultDecodeTokens = 8;

    /// <summary>Most tokens of a pass.</summary>
    public const int DefaultChunkTokens = 128;

    private readonly LinkedList<StepWork> _steps = [];
    private readonly HashSet<NodeSession> _taken = [];
    private readonly List<LinkedListNode<StepWork>> _candidates = [];
    private readonly ClientTurns _decodeTurns = new();
    private readonly ClientTurns _chunkTurns = new();
    private bool _prefillWaited;

    /// <summary>Steps that wait.</summary>
    public int Count => _steps.Count;

    /// <summary>Adds a step behind those that wait.</summary>
    public void Add(StepWork work) => _steps.AddLast(work);

    /// <summary>Takes a session's steps out; the caller disposes them.</summary>
    public IReadOnlyList<StepWork> Remove(NodeSession session)
    {
        var removed = new List<StepWork>();
        for (LinkedListNode<StepWork>? node = _steps.First; node is not null;)
        {
            LinkedListNode<StepWork>? next = node.Next;
            if (node.Value.Session == session)
            {
                removed.Add(node.Value);
                _steps.Remove(node);
            }

            node = next;
        }

        return removed;
    }

    /// <summary>Fills in the next pass. False when nothing waits. A step leaves with its last piece.</summary>
    public bool TryNext(List<StepPiece> pass)
    {
        pass.Clear();
        if (_steps.Count == 0)
            return false;

        // Whoever waited longer than a pass goes first: after a decode pass the oldest prefill, otherwise decode.
        if (_prefillWaited && TakeChunk(pass))
        {
            _prefillWaited = false;
            return true;
        }

        if (TakeDecode(pass))
        {
            _prefillWaited = true;
            return true;
        }

        _prefillWaited = false;
        return TakeChunk(pass);
    }

    // The first step of every session that is short, as far as they compute alike.
    private bool TakeDecode(List<StepPiece> pass)
    {
        if (!FindFirst(isShort: true))
            return false;
        NodeSession like = _decodeTurns.Next(_candidates).Value.Session;
        _candidates.RemoveAll(node => !node.Value.Session.ComputesLike(like));
        int tokens = 0;
        foreach (LinkedListNode<StepWork> node in _candidates)
            tokens += node.Value.Count;
        if (tokens > chunkTokens)
            _decodeTurns.Order(_candidates);
        tokens = 0;
        foreach (LinkedListNode<StepWork> node in _candidates)
        {
            StepWork work = node.Value;
            if (tokens + work.Count > chunkTokens)
                break;
            tokens += work.Count;
            pass.Add(new StepPiece(work, 0, work.Count));
            work.Done = work.Count;
            _steps.Remove(node);
        }

        _decodeTurns.Had(pass);
        return true;
    }

    private bool TakeChunk(List<StepPiece> pass)
    {
        if (!FindFirst(isShort: false))
            return false;
        LinkedListNode<StepWork> node = _chunkTurns.Next(_candidates);
        StepWork work = node.Value;
        int count = Math.Min(chunkTokens, work.Count - work.Done);
        pass.Add(new StepPiece(work, work.Done, count));
        work.Done += count;
        _steps.Remove(node);
        // Behind the other sessions' steps: those that prefill take turns.
        if (work.Done < work.Count)
            Requeue(work);
        _chunkTurns.Had(pass);
        return true;
    }

    // The first step of every session, if it is of this kind.
    private bool FindFirst(bool isShort)
    {
        _taken.Clear();
        _candidates.Clear();
        for (LinkedListNode<StepWork>? node = _steps.First; node is not null; node = node.Next)
        {
            if (_taken.Add(node.Value.Session) && node.Value.Count <= decodeTokens == isShort)
                _candidates.Add(node);
        }

        return _candidates.Count > 0;
    }

    // Behind every other session's step, but in front of this session's own later ones.
    private void Requeue(StepWork work)
    {
        for (LinkedListNode<StepWork>? node = _steps.First; node is not null; node = node.Next)
        {
            if (node.Value.Session == work.Session)
            {
                _steps.AddBefore(node, work);
                return;
            }
        }

        _steps.AddLast(work);
    }
}
