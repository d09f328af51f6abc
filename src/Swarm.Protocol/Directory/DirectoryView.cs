using Google.Protobuf;

namespace Swarm.Protocol.Directory;

/// <summary>
/// What one observer holds of one model's nodes: announcements, who of them is hidden and why, and what it measured itself. A plain state machine: time is
/// given with each call, in the observer's monotonic clock. Not thread-safe.
/// </summary>
public sealed class DirectoryView(ByteString modelIdentity)
{
    private readonly SortedDictionary<PeerId, Row> _rows = [];

    /// <summary>Peers held, hidden ones included.</summary>
    public int Count => _rows.Count;

    /// <summary>
    /// Takes an announcement in. A newer one replaces an older; the same one heard fresher lives longer. A hidden peer that announces anew stays hidden
    /// until a probe confirms it, which is then due at once: an announcement may be older than the death.
    /// </summary>
    /// <param name="entry">What was announced.</param>
    /// <param name="age">Since its holder received it.</param>
    /// <param name="life">From receipt.</param>
    /// <param name="now">The observer's clock.</param>
    public DirectoryChange Merge(NodeEntry entry, TimeSpan age, TimeSpan life, TimeSpan now)
    {
        if (age >= life || entry.ModelIdentity != modelIdentity)
            return DirectoryChange.None;
        TimeSpan end = now - age + life;
        if (!_rows.TryGetValue(entry.Peer, out Row? row))
        {
            if (_rows.Count >= ChainLimits.MaxAnnouncements)
                return DirectoryChange.None;
            _rows.Add(entry.Peer, new Row { Entry = entry, Made = now - age, End = end });
            return entry.State == NodeState.Left ? DirectoryChange.None : DirectoryChange.Added;
        }

        if (entry.Sequence < row.Entry.Sequence)
            return DirectoryChange.None;
        if (entry.Sequence == row.Entry.Sequence)
        {
            row.End = end > row.End ? end : row.End;
            return DirectoryChange.None;
        }

        bool seen = row.IsSeen;
        row.Entry = entry;
        row.Made = now - age;
        row.End = end;
        row.FullUntil = TimeSpan.Zero;
        if (row.IsHidden && !row.IsLiar)
            row.NextProbe = now;
        return (seen, row.IsSeen) switch
        {
            (true, true) => DirectoryChange.Updated,
            (false, true) => DirectoryChange.Added,
            (true, false) => DirectoryChange.Removed,
            _ => DirectoryChange.None,
        };
    }

    /// <summary>
    /// A call to the peer failed, laid to the peer: it is hidden at once, and only a probe brings it back. True when it was seen before. One that was full or
    /// leaves is not hidden; it counts as having no room for a moment.
    /// </summary>
    public bool ReportFailure(PeerId peer, FaultKind fault, TimeSpan now)
    {
        if (!_rows.TryGetValue(peer, out Row? row))
            return false;
        if (!LivenessRules.Hides(fault))
        {
            if (fault.Rule().Blame == FaultBlame.Swarm)
                row.FullUntil = now + DirectoryLimits.FullTime;
            return false;
        }

        return Hide(row, fault.Rule().Cost == FaultCost.HiddenForAMinute, now);
    }

    /// <summary>
    /// What a probe showed. An answer brings a hidden peer back (Added) unless it lied; a refusal hides at once (Removed), silence when it is the second in a
    /// row. A probe of a peer that is not known changes nothing.
    /// </summary>
    public DirectoryChange OnProbe(PeerId peer, ProbeOutcome outcome, TimeSpan? roundTrip, TimeSpan now)
    {
        if (!_rows.TryGetValue(peer, out Row? row))
            return DirectoryChange.None;
        if (outcome == ProbeOutcome.Answered)
        {
            bool wasSeen = row.IsSeen;
            row.Silences = 0;
            row.ProvenAt = now;
            row.RoundTrip = roundTrip is { } time ? Mix(row.RoundTrip, time) : row.RoundTrip;
            if (row.IsHidden && (!row.IsLiar || now >= row.NextProbe))
            {
                row.IsHidden = false;
                row.IsLiar = false;
                row.Failures = 0;
            }

            return !wasSeen && row.IsSeen ? DirectoryChange.Added : DirectoryChange.None;
        }

        row.Silences++;
        if (row.IsHidden)
        {
            row.Failures++;
            row.NextProbe = now + LivenessRules.HidingTime(row.Failures);
            return DirectoryChange.None;
        }

        if (outcome == ProbeOutcome.Silent && row.Silences < DirectoryLimits.SilencesOfTheDead)
            return DirectoryChange.None;
        return Hide(row, liar: false, now) ? DirectoryChange.Removed : DirectoryChange.None;
    }

    /// <summary>
    /// Whether a suspicion told by somebody is worth a probe of our own: it concerns a peer that is seen here, by the announcement held here, and
    /// that has not just proven itself. Nobody is hidden on hearsay.
    /// </summary>
    public bool ShouldVerify(PeerId peer, ulong sequence, TimeSpan now) =>
        _rows.TryGetValue(peer, out Row? row) && row.IsSeen && sequence >= row.Entry.Sequence && !row.IsVerifying
        && !(row.ProvenAt is { } proven && now - proven < DirectoryLimits.FreshProof);

    /// <summary>Marks that a probe of the peer is under way, or no more, so that ten suspicions make one probe.</summary>
    public void SetVerifying(PeerId peer, bool verifying)
    {
        if (_rows.TryGetValue(peer, out Row? row))
            row.IsVerifying = verifying;
    }

    /// <summary>Hidden peers whose next try is due.</summary>
    public IReadOnlyList<NodeEntry> DueProbes(TimeSpan now) =>
        [.. _rows.Values.Where(row => row.IsHidden && !row.IsVerifying && row.Entry.State != NodeState.Left && now >= row.NextProbe).Select(row => row.Entry)];

    /// <summary>Hidden peers that an answered probe would bring back.</summary>
    public IReadOnlyList<NodeEntry> Hidden() =>
        [.. _rows.Values.Where(row => row.IsHidden && !row.IsLiar && !row.IsVerifying && row.Entry.State != NodeState.Left).Select(row => row.Entry)];

    /// <summary>Whom <paramref name="self"/> watches now.</summary>
    public IReadOnlyList<NodeEntry> Watched(PeerId self, int count) =>
        [.. LivenessRules.Successors([.. _rows.Where(pair => pair.Value.IsSeen).Select(pair => pair.Key)], self, count).Select(peer => _rows[peer].Entry)];

    /// <summary>Deaths found lately, to be told to others.</summary>
    public IReadOnlyList<(PeerId Peer, ulong Sequence)> Deaths(TimeSpan now) =>
    [
        .. _rows.Values
            .Where(row => row.IsHidden && !row.IsLiar && now - row.HiddenAt < DirectoryLimits.SuspicionLife)
            .OrderByDescending(row => row.HiddenAt).ThenBy(row => row.Entry.Peer)
            .Take(DirectoryLimits.MaxSuspicions)
            .Select(row => (row.Entry.Peer, row.Entry.Sequence)),
    ];

    /// <summary>What this observer measured itself; it outweighs what the peer says of itself.</summary>
    /// <param name="peer">Whom.</param>
    /// <param name="blockTime">Compute time of one token through one block, or null.</param>
    /// <param name="roundTrip">To the peer and back, or null.</param>
    /// <param name="now">The observer's clock.</param>
    public void Observe(PeerId peer, TimeSpan? blockTime, TimeSpan? roundTrip, TimeSpan now)
    {
        if (!_rows.TryGetValue(peer, out Row? row))
            return;
        row.ProvenAt = now;
        if (blockTime is { } block && block > TimeSpan.Zero)
        {
            bool fresh = now - row.ObservedAt < DirectoryLimits.ObservationLife;
            row.BlockTime = Mix(fresh ? row.BlockTime : null, block);
            row.ObservedAt = now;
        }

        if (roundTrip is { } time && time >= TimeSpan.Zero)
            row.RoundTrip = Mix(row.RoundTrip, time);
    }

    /// <summary>The peer's newest announcement, hidden or not.</summary>
    public NodeEntry? Find(PeerId peer) => _rows.TryGetValue(peer, out Row? row) ? row.Entry : null;

    /// <summary>Whether the peer is known and hidden.</summary>
    public bool IsHidden(PeerId peer) => _rows.TryGetValue(peer, out Row? row) && row.IsHidden;

    /// <summary>Drops what has outlived its time and names who of them was seen until now.</summary>
    public IReadOnlyList<PeerId> Expire(TimeSpan now)
    {
        List<PeerId> ended = [.. _rows.Where(pair => now >= pair.Value.End).Select(pair => pair.Key)];
        List<PeerId> seen = [.. ended.Where(peer => _rows[peer].IsSeen)];
        ended.ForEach(peer => _rows.Remove(peer));
        return seen;
    }

    /// <summary>Who is seen now, ordered by peer, corrected by what this observer measured.</summary>
    public DirectorySnapshot Snapshot(TimeSpan now) =>
        DirectorySnapshot.Of(modelIdentity, _rows.Values.Where(row => row.IsSeen && now < row.End).Select(row => Corrected(row, now)));

    private static NodeEntry Corrected(Row row, TimeSpan now) => row.Entry with
    {
        Age = now > row.Made ? now - row.Made : TimeSpan.Zero,
        RoundTrip = row.RoundTrip,
        BlockTime = row.BlockTime is { } own && now - row.ObservedAt < DirectoryLimits.ObservationLife ? own : row.Entry.BlockTime,
        CacheTokensFree = now < row.FullUntil ? 0 : row.Entry.CacheTokensFree,
    };

    private static bool Hide(Row row, bool liar, TimeSpan now)
    {
        bool seen = row.IsSeen;
        if (!row.IsHidden)
        {
            row.HiddenAt = now;
            row.Failures = 0;
            row.NextProbe = now + LivenessRules.HidingTime(0);
        }

        row.IsHidden = true;
        row.ProvenAt = null;
        if (liar)
        {
            row.IsLiar = true;
            row.NextProbe = now + DirectoryLimits.LiarHiding;
        }

        return seen;
    }

    private static TimeSpan Mix(TimeSpan? before, TimeSpan measured) =>
        before is { } mean ? mean + ((measured - mean) * DirectoryLimits.ObservationWeight) : measured;

    private sealed class Row
    {
        public required NodeEntry Entry { get; set; }

        public required TimeSpan Made { get; set; }

        public required TimeSpan End { get; set; }

        public bool IsHidden { get; set; }

        public bool IsLiar { get; set; }

        public TimeSpan HiddenAt { get; set; }

        public TimeSpan NextProbe { get; set; }

        public int Failures { get; set; }

        public int Silences { get; set; }

        public bool IsVerifying { get; set; }

        public TimeSpan? ProvenAt { get; set; }

        public TimeSpan? RoundTrip { get; set; }

        public TimeSpan? BlockTime { get; set; }

        public TimeSpan ObservedAt { get; set; }

        public TimeSpan FullUntil { get; set; }

        public bool IsSeen => !IsHidden && Entry.State != NodeState.Left;
    }
}
