using System.Collections.Immutable;

namespace Swarm.Protocol.Dht;

/// <summary>
/// One iterative look-up as a state machine: says whom to ask next, is told who answered or failed, and when. Calls run on disjoint paths (Baumgart and Mies 2007, S/Kademlia): a peer
/// belongs to the path that heard of it first, so that a liar leads one path astray and not all. A call that takes longer than <c>patience</c> is overtaken: its path goes on, and a late answer
/// still counts. Not thread-safe.
/// </summary>
internal sealed class LookUp
{
    /// <summary>Calls of one look-up, whatever peers invent.</summary>
    public const int MaxCalls = 120;

    /// <summary>Candidates of a path.</summary>
    private const int MaxPath = 100;

    private static readonly Comparer<Candidate> ByDistance = Comparer<Candidate>.Create(static (one, other) => one.Distance.CompareTo(other.Distance));

    private readonly DhtKey _target;
    private readonly PeerId _self;
    private readonly LookUpRules _rules;
    private readonly TimeSpan _patience;
    private readonly Func<PeerId, bool> _isSuspect;
    private readonly Dictionary<PeerId, Candidate> _known = [];
    private readonly List<Candidate>[] _paths;
    private readonly List<Candidate> _all = [];
    private readonly SortedSet<int> _pathsWithHolders = [];
    private int _round;
    private int _holders;
    private bool _closing;
    private bool _done;

    /// <param name="target">What is looked for.</param>
    /// <param name="self">This peer, who asks itself nothing.</param>
    /// <param name="rules">Widths and goal.</param>
    /// <param name="patience">How long a call may take before it is overtaken.</param>
    /// <param name="start">Contacts to begin with, nearest first.</param>
    /// <param name="isSuspect">Whether a peer failed lately; such are asked when nobody else is left.</param>
    public LookUp(DhtKey target, PeerId self, LookUpRules rules, TimeSpan patience, IReadOnlyList<Contact> start, Func<PeerId, bool> isSuspect)
    {
        _target = target;
        _self = self;
        _rules = rules;
        _patience = patience;
        _isSuspect = isSuspect;
        _paths = [.. Enumerable.Range(0, rules.Paths).Select(_ => new List<Candidate>())];
        for (int at = 0; at < start.Count; at++)
            Add(start[at].Peer, start[at], null, at % rules.Paths);
    }

    /// <summary>Calls made so far.</summary>
    public int Asked { get; private set; }

    public int Answers { get; private set; }

    /// <summary>Calls in a row, each of which waited for the answer, the failure or the overtaking of the one before.</summary>
    public int Rounds => _round;

    /// <summary>Nothing more needs asking. Late answers still count until then.</summary>
    public bool IsDone => _done;

    /// <summary>Who answered, nearest first, at most k.</summary>
    public ImmutableArray<Contact> Nearest =>
        [.. _all.Where(candidate => candidate.State == CandidateState.Answered).Take(_rules.BucketSize).Select(candidate => candidate.Read()!)];

    /// <summary>Peers nearer than the k-th of <see cref="Nearest"/> that were asked and have not answered.</summary>
    public int Unanswered
    {
        get
        {
            int answered = 0, missing = 0;
            foreach (Candidate candidate in _all)
            {
                if (answered == _rules.BucketSize)
                    break;
                if (candidate.State == CandidateState.Answered)
                    answered++;
                else if (candidate.State is not CandidateState.New)
                    missing++;
            }

            return missing;
        }
    }

    /// <summary>When the next call is overtaken; null when none runs.</summary>
    public TimeSpan? Deadline
    {
        get
        {
            TimeSpan? first = null;
            foreach (Candidate candidate in _all)
            {
                if (candidate.State == CandidateState.Asked && (first is null || candidate.AskedAt + _patience < first.Value))
                    first = candidate.AskedAt + _patience;
            }

            return first;
        }
    }

    /// <summary>Whom to ask now. Called at the start, after every answer and failure, and when <see cref="Deadline"/> has come.</summary>
    public List<Contact> Next(TimeSpan now)
    {
        var calls = new List<Contact>();
        if (_done)
            return calls;
        Overtake(now);
        if (_holders >= _rules.Quorum && _pathsWithHolders.Count >= Math.Min(2, _rules.Paths))
        {
            _done = true;
            return calls;
        }

        if (_closing)
        {
            AskNearest(_rules.BucketSize, calls, now);
        }
        else
        {
            AskPaths(calls, now);
            if (_holders > 0)
                AskNearest(_rules.Quorum + 1, calls, now);
        }

        if (calls.Count > 0 || IsWaiting)
            return calls;
        if (_holders >= _rules.Quorum)
        {
            _done = true;
            return calls;
        }

        // Every path has asked the nearest that it knows: now the k nearest of all paths at once, as Kademlia ends.
        _closing = true;
        AskNearest(_rules.BucketSize, calls, now);
        if (calls.Count == 0 && Answers < _rules.Enough)
            AskSuspects(calls, now);
        _done = calls.Count == 0 && (Answers >= _rules.Enough || _holders > 0 || !_all.Exists(static candidate => candidate.State == CandidateState.Overtaken));
        return calls;
    }

    /// <summary>Takes an answer.</summary>
    /// <param name="peer">Who answered.</param>
    /// <param name="contacts">Whom it names; more than k are left out, and those that are malformed.</param>
    /// <param name="isHolder">Whether it brought records that count.</param>
    public void Answer(PeerId peer, IReadOnlyList<DhtContact> contacts, bool isHolder)
    {
        if (!_known.TryGetValue(peer, out Candidate? candidate) || candidate.State is not (CandidateState.Asked or CandidateState.Overtaken))
            return;
        _round = Math.Max(_round, candidate.Round);
        candidate.State = CandidateState.Answered;
        Answers++;
        if (isHolder)
        {
            _holders++;
            _pathsWithHolders.Add(candidate.Path);
        }

        for (int at = 0; at < Math.Min(contacts.Count, _rules.BucketSize); at++)
        {
            // Most are known already, and of the others few will be asked: addresses are read when they are.
            if (!PeerId.TryRead(contacts[at].Peer, out PeerId named) || named.IsNone || _known.ContainsKey(named))
                continue;

            // A path that has heard of nobody starts from what another found: at bootstrap there may be one contact only.
            int empty = Array.FindIndex(_paths, static path => path.Count == 0);
            Add(named, null, contacts[at], empty >= 0 ? empty : candidate.Path);
        }
    }

    /// <summary>Takes a failure.</summary>
    public void Fail(PeerId peer)
    {
        if (!_known.TryGetValue(peer, out Candidate? candidate) || candidate.State is not (CandidateState.Asked or CandidateState.Overtaken))
            return;
        if (candidate.State == CandidateState.Asked)
            _round = Math.Max(_round, candidate.Round);
        candidate.State = CandidateState.Failed;
    }

    private bool IsWaiting => _all.Exists(static candidate => candidate.State == CandidateState.Asked);

    private void Overtake(TimeSpan now)
    {
        foreach (Candidate candidate in _all)
        {
            if (candidate.State == CandidateState.Asked && now - candidate.AskedAt >= _patience)
            {
                candidate.State = CandidateState.Overtaken;
                _round = Math.Max(_round, candidate.Round);
            }
        }
    }

    /// <summary>Each path asks the nearest that it knows, unless that one has answered: then the path has arrived.</summary>
    private void AskPaths(List<Contact> calls, TimeSpan now)
    {
        foreach (List<Candidate> path in _paths)
        {
            int free = _rules.CallsPerPath - path.Count(static candidate => candidate.State == CandidateState.Asked);
            for (; free > 0 && path.Find(static candidate => candidate.IsAlive) is { State: CandidateState.New } nearest; free--)
                Ask(nearest, calls, now);
        }
    }

    private void AskNearest(int count, List<Contact> calls, TimeSpan now)
    {
        foreach (Candidate candidate in _all)
        {
            if (!candidate.IsAlive)
                continue;
            if (count-- == 0)
                return;
            if (candidate.State == CandidateState.New)
                Ask(candidate, calls, now);
        }
    }

    private void AskSuspects(List<Contact> calls, TimeSpan now)
    {
        foreach (Candidate candidate in _all)
        {
            if (calls.Count < _rules.Paths * _rules.CallsPerPath && candidate.State == CandidateState.Suspect)
                Ask(candidate, calls, now);
        }
    }

    private void Ask(Candidate candidate, List<Contact> calls, TimeSpan now)
    {
        if (Asked == MaxCalls || candidate.Read() is not { } contact)
        {
            // Nobody honest needs so many calls, or names a peer without a sound address.
            candidate.State = CandidateState.Failed;
            return;
        }

        Asked++;
        candidate.State = CandidateState.Asked;
        candidate.AskedAt = now;
        candidate.Round = _round + 1;
        calls.Add(contact);
    }

    private void Add(PeerId peer, Contact? contact, DhtContact? wire, int path)
    {
        if (peer == _self || _known.ContainsKey(peer))
            return;
        var candidate = new Candidate(contact, wire, _target.DistanceTo(peer), path, _isSuspect(peer) ? CandidateState.Suspect : CandidateState.New);
        if (!Insert(_paths[path], candidate))
            return;
        _known.Add(peer, candidate);
        _all.Insert(~_all.BinarySearch(candidate, ByDistance), candidate);
    }

    /// <summary>Keeps a path sorted, and as short as it needs to be: what is far behind is never asked.</summary>
    private bool Insert(List<Candidate> path, Candidate candidate)
    {
        int at = ~path.BinarySearch(candidate, ByDistance);
        if (at >= MaxPath)
            return false;
        path.Insert(at, candidate);
        return true;
    }

    private enum CandidateState
    {
        New,
        Suspect,
        Asked,
        Overtaken,
        Answered,
        Failed,
    }

    private sealed class Candidate(Contact? contact, DhtContact? wire, DhtKey distance, int path, CandidateState state)
    {
        private Contact? _contact = contact;

        public DhtKey Distance { get; } = distance;

        public int Path { get; } = path;

        public CandidateState State { get; set; } = state;

        public TimeSpan AskedAt { get; set; }

        public int Round { get; set; }

        /// <summary>The contact with its addresses; null when they are malformed.</summary>
        public Contact? Read() => _contact ??= Contact.TryRead(wire!);

        /// <summary>Neither failed nor late.</summary>
        public bool IsAlive => State is CandidateState.New or CandidateState.Asked or CandidateState.Answered;
    }
}
