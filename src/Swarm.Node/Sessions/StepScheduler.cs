namespace Swarm.Node.Sessions;

/// <summary>
/// Step 8: decides what the next pass computes. Short steps (decode) of all sessions go together; long ones (prefill) go in chunks of bounded size, one
/// chunk between two decode passes, so that decode never starves and prefill always moves. Steps of a session keep their order. Rules only: no clock, no
/// thread, no device.
/// </summary>
internal sealed class StepScheduler(int decodeTokens = StepScheduler.DefaultDecodeTokens, int chunkTokens = StepScheduler.DefaultChunkTokens)
{
    /// <summary>A step of at most so many tokens is decode.</summary>
    public const int DefaultDecodeTokens = 8;

    /// <summary>Most tokens of a pass.</summary>
    public const int DefaultChunkTokens = 128;

    private readonly LinkedList<StepWork> _steps = [];
    private readonly HashSet<NodeSession> _taken = [];
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
        _taken.Clear();
        int tokens = 0;
        NodeSession? like = null;
        for (LinkedListNode<StepWork>? node = _steps.First; node is not null;)
        {
            LinkedListNode<StepWork>? next = node.Next;
            StepWork work = node.Value;
            bool first = _taken.Add(work.Session);
            if (first && work.Count <= decodeTokens && tokens + work.Count <= chunkTokens && (like is null || work.Session.ComputesLike(like)))
            {
                like ??= work.Session;
                tokens += work.Count;
                pass.Add(new StepPiece(work, 0, work.Count));
                work.Done = work.Count;
                _steps.Remove(node);
            }

            node = next;
        }

        return pass.Count > 0;
    }

    private bool TakeChunk(List<StepPiece> pass)
    {
        _taken.Clear();
        for (LinkedListNode<StepWork>? node = _steps.First; node is not null; node = node.Next)
        {
            StepWork work = node.Value;
            if (!_taken.Add(work.Session) || work.Count <= decodeTokens)
                continue;
            int count = Math.Min(chunkTokens, work.Count - work.Done);
            pass.Add(new StepPiece(work, work.Done, count));
            work.Done += count;
            _steps.Remove(node);
            // Behind the other sessions' steps: those that prefill take turns.
            if (work.Done < work.Count)
                Requeue(work);
            return true;
        }

        return false;
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
