namespace Swarm.Protocol.Dht;

/// <summary>Whom a peer knows: the routing table, who failed lately, and who is being asked whether it can be reached. Thread-safe.</summary>
internal sealed class ContactBook(PeerId self, TimeSpan suspectFor, TimeSpan recheck)
{
    /// <summary>Callers that are being called back at one time.</summary>
    private const int MaxVerifying = 64;

    /// <summary>How long a caller that could not be called back is not tried again.</summary>
    private static readonly TimeSpan VerifyAgain = TimeSpan.FromSeconds(10);

    private const int MaxSuspects = 4096;

    private readonly Lock _gate = new();
    private readonly RoutingTable _table = new(DhtKey.Of(self), DhtLimits.BucketSize);
    private readonly Dictionary<PeerId, TimeSpan> _suspects = [];
    private readonly Dictionary<PeerId, TimeSpan> _verifying = [];
    private readonly Dictionary<PeerId, TimeSpan> _pinged = [];

    public IReadOnlyList<Contact> Contacts
    {
        get
        {
            lock (_gate)
                return [.. _table.Contacts];
        }
    }

    public int Count
    {
        get
        {
            lock (_gate)
                return _table.Count;
        }
    }

    public List<Contact> Closest(DhtKey target, int count, bool sound)
    {
        lock (_gate)
            return _table.Closest(target, count, sound);
    }

    public List<Contact> Unseen(TimeSpan now, int count)
    {
        lock (_gate)
            return _table.Unseen(now, recheck, count);
    }

    public void LookedUp(DhtKey target, TimeSpan now)
    {
        lock (_gate)
            _table.LookedUp(target, now);
    }

    public List<int> StaleBuckets(TimeSpan now, TimeSpan since)
    {
        lock (_gate)
            return _table.StaleBuckets(now, since);
    }

    public List<int> ThinBuckets()
    {
        lock (_gate)
            return _table.ThinBuckets();
    }

    public bool IsSuspect(PeerId peer, TimeSpan now)
    {
        lock (_gate)
            return _suspects.TryGetValue(peer, out TimeSpan until) && until > now;
    }

    /// <summary>The contact of a peer in the table, or null.</summary>
    public Contact? Find(PeerId peer)
    {
        lock (_gate)
            return _table.Find(peer);
    }

    /// <summary>A contact answered a pinned call. Says whether it is new, and whom to ping because the newcomer waits for its place.</summary>
    public TableOffer Answered(Contact contact, TimeSpan now, out Contact? oldest)
    {
        lock (_gate)
        {
            _suspects.Remove(contact.Peer);
            return _table.Offer(contact, now, out oldest);
        }
    }

    /// <summary>Whether the oldest contact of a full bucket should be pinged for a newcomer: not when it has been just now.</summary>
    public bool ShouldPing(Contact oldest, TimeSpan now)
    {
        lock (_gate)
        {
            if (_pinged.TryGetValue(oldest.Peer, out TimeSpan last) && now - last < recheck)
                return false;
            if (_pinged.Count >= MaxSuspects)
                _pinged.Clear();
            _pinged[oldest.Peer] = now;
            return true;
        }
    }

    /// <summary>A contact did not answer. True when it left the table.</summary>
    public bool Failed(PeerId peer, TimeSpan now)
    {
        lock (_gate)
        {
            Suspect(peer, now);
            return _table.Fail(peer, now);
        }
    }

    /// <summary>A peer is known to be gone: out of the table, and not asked for a while.</summary>
    public void Forget(PeerId peer, TimeSpan now)
    {
        lock (_gate)
        {
            Suspect(peer, now);
            _table.Remove(peer, now);
        }
    }

    /// <summary>Whether a caller that says it can be dialled should be called back, which decides whether it is entered. True at most once in a while for each caller.</summary>
    public bool ShouldVerify(Contact caller, TimeSpan now)
    {
        lock (_gate)
        {
            if (caller.Peer == self || !IsWanted(caller))
                return false;
            if (_verifying.TryGetValue(caller.Peer, out TimeSpan since) && now - since < VerifyAgain)
                return false;
            if (_verifying.Count >= MaxVerifying)
            {
                foreach (PeerId old in _verifying.Where(pair => now - pair.Value >= VerifyAgain).Select(pair => pair.Key).ToList())
                    _verifying.Remove(old);
                if (_verifying.Count >= MaxVerifying)
                    return false;
            }

            _verifying[caller.Peer] = now;
            return true;
        }
    }

    /// <summary>Calling back has ended; one that answered may be called back at once when it moves.</summary>
    public void Verified(PeerId caller)
    {
        lock (_gate)
            _verifying.Remove(caller);
    }

    private bool IsWanted(Contact caller) => _table.Find(caller.Peer) is { } known ? !known.Endpoint.Equals(caller.Endpoint) : _table.Wants(caller.Peer);

    private void Suspect(PeerId peer, TimeSpan now)
    {
        if (_suspects.Count >= MaxSuspects)
        {
            foreach (PeerId old in _suspects.Where(pair => pair.Value <= now).Select(pair => pair.Key).ToList())
                _suspects.Remove(old);
        }

        if (_suspects.Count < MaxSuspects || _suspects.ContainsKey(peer))
            _suspects[peer] = now + suspectFor;
    }
}
