using System.Runtime.InteropServices;

namespace Swarm.Node.Sessions;

/// <summary>
/// Step 8: decides what the next pass computes. Short steps (decode) of all sessions go together, and a piece of a long one (prefill) rides along, so that the weights are read
/// once for both; while others decode the piece is small, because they wait for it, otherwise a whole chunk. Prefill that computes unlike the decode steps goes between two of
/// their passes. So decode never starves and prefill always moves. Steps of a session keep their order. Where not all find a place, clients take turns, whatever the number of
/// their sessions, and a client's sessions among themselves. Rules only: no clock, no thread, no device.
/// </summary>
internal sealed class StepScheduler(int decodeTokens = StepScheduler.DefaultDecodeTokens, int chunkTokens = StepScheduler.DefaultChunkTokens)
{
    /// <summary>A step of at most so many tokens is decode.</summary>
    public const int DefaultDecodeTokens = 8;

    /// <summary>Most tokens of a pass.</summary>
    public const int DefaultChunkTokens = 128;

    /// <summary>
    /// Tokens of a pass that decode and prefill share: about where arithmetic takes over from memory, several times, so that prefill is hardly slower than alone and a decode step
    /// waits for little more than its own pass.
    /// </summary>
    public const int SharedTokens = 32;

    // Least that a chunk moves beside decode steps, however many they are.
    private const int LeastChunk = 16;

    // Passes without decode after which nobody is taken to be waiting for one.
    private const int Patience = 8;

    private readonly LinkedList<StepWork> _steps = [];
    private readonly HashSet<NodeSession> _decoders = [];
    private readonly HashSet<NodeSession> _taken = [];
    private readonly List<LinkedListNode<StepWork>> _candidates = [];
    private readonly ClientTurns _decodeTurns = new();
    private readonly ClientTurns _chunkTurns = new();
    private bool _prefillWaited;
    private int _passesWithoutDecode;

    /// <summary>Steps that wait.</summary>
    public int Count => _steps.Count;

    /// <summary>Adds a step behind those that wait.</summary>
    public void Add(StepWork work) => _steps.AddLast(work);

    /// <summary>Takes a session's steps out; the caller disposes them.</summary>
    public IReadOnlyList<StepWork> Remove(NodeSession session)
    {
        _decoders.Remove(session);
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

        // Prefill that could not ride along with the last decode pass goes before the next.
        if (_prefillWaited && TakeChunkAlone(pass))
            return true;
        if (!TakeDecode(pass))
            return TakeChunkAlone(pass);
        int tokens = 0;
        foreach (StepPiece piece in pass)
            tokens += piece.Count;
        int room = Math.Min(Math.Max(SharedTokens - tokens, LeastChunk), chunkTokens - tokens);
        _prefillWaited = NextChunk(pass) is { } node && !(room > 0 && node.Value.Session.ComputesLike(pass[0].Work.Session) && Take(pass, node, room));
        return true;
    }

    // The first step of every session that is short, as far as they compute alike.
    private bool TakeDecode(List<StepPiece> pass)
    {
        if (!FindFirst(isShort: true, pass))
            return false;
        NodeSession like = _decodeTurns.Next(_candidates).Value.Session;
        for (int index = _candidates.Count - 1; index >= 0; index--)
        {
            if (!_candidates[index].Value.Session.ComputesLike(like))
                _candidates.RemoveAt(index);
        }

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

        _decodeTurns.Had(CollectionsMarshal.AsSpan(pass));
        _decoders.Clear();
        foreach (StepPiece piece in pass)
            _decoders.Add(piece.Work.Session);
        _passesWithoutDecode = 0;
        return true;
    }

    private bool TakeChunkAlone(List<StepPiece> pass)
    {
        _prefillWaited = false;
        _passesWithoutDecode++;
        return NextChunk(pass) is { } node && Take(pass, node, OthersDecode(node.Value.Session) ? SharedTokens : chunkTokens);
    }

    // Steps that are on their way between a client and this node count as well.
    private bool OthersDecode(NodeSession session) =>
        _passesWithoutDecode <= Patience && _decoders.Count > (_decoders.Contains(session) ? 1 : 0);

    // Of the sessions that are not in the pass already.
    private LinkedListNode<StepWork>? NextChunk(List<StepPiece> pass) => FindFirst(isShort: false, pass) ? _chunkTurns.Next(_candidates) : null;

    private bool Take(List<StepPiece> pass, LinkedListNode<StepWork> node, int most)
    {
        StepWork work = node.Value;
        var piece = new StepPiece(work, work.Done, Math.Min(most, work.Count - work.Done));
        work.Done += piece.Count;
        _steps.Remove(node);
        // Behind the other sessions' steps: those that prefill take turns.
        if (work.Done < work.Count)
            Requeue(work);
        pass.Add(piece);
        _chunkTurns.Had(piece);
        return true;
    }

    // The first step of every session that is not in the pass yet, if it is of this kind.
    private bool FindFirst(bool isShort, List<StepPiece> pass)
    {
        _taken.Clear();
        foreach (StepPiece piece in pass)
            _taken.Add(piece.Work.Session);
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
