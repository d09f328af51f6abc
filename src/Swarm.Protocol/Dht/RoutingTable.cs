namespace Swarm.Protocol.Dht;

/// <summary>
/// Kademlia's table (Maymounkov and Mazières 2002): for each length of the prefix that a peer shares with this one, up to k contacts that have answered, the least recently seen
/// first, and as many that wait for a place. An old contact that answers is never pushed out by a newer one. Time is given with each call. Not thread-safe.
/// </summary>
internal sealed class RoutingTable
{
    /// <summary>Failures in a row after which a contact goes even though nobody waits for its place.</summary>
    public const int MaxFailures = 3;

    private readonly DhtKey _self;
    private readonly int _bucketSize;
    private readonly Bucket?[] _buckets = new Bucket?[DhtKey.Bits];

    public RoutingTable(DhtKey self, int bucketSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bucketSize, 1);
        _self = self;
        _bucketSize = bucketSize;
    }

    /// <summary>Contacts in buckets; those that wait are not counted.</summary>
    public int Count { get; private set; }

    /// <summary>Contacts in buckets, by bucket, the least recently seen of each first.</summary>
    public IEnumerable<Contact> Contacts => _buckets.SelectMany(bucket => bucket?.Entries.Select(entry => entry.Contact) ?? []);

    /// <summary>Takes note of a contact that has just answered.</summary>
    /// <param name="contact">Who, with the addresses that it answered at.</param>
    /// <param name="now">The caller's monotonic time.</param>
    /// <param name="oldest">Where it has to wait for a place: the contact to ping, which goes if it fails.</param>
    public TableOffer Offer(Contact contact, TimeSpan now, out Contact? oldest)
    {
        oldest = null;
        int prefix = Prefix(contact.Place);
        if (prefix == DhtKey.Bits)
            return TableOffer.Self;
        Bucket bucket = _buckets[prefix] ??= new Bucket();
        int at = bucket.IndexOf(contact.Peer);
        if (at >= 0)
        {
            Contact known = bucket.Entries[at].Contact;
            bucket.Entries.RemoveAt(at);
            bucket.Entries.Add(new Entry(known.Endpoint.Equals(contact.Endpoint) ? known : contact, now, 0));
            return TableOffer.Known;
        }

        bucket.Waiting.RemoveAll(waiting => waiting.Peer == contact.Peer);
        if (bucket.Entries.Count < _bucketSize)
        {
            bucket.Entries.Add(new Entry(contact, now, 0));
            Count++;
            return TableOffer.Added;
        }

        if (bucket.Waiting.Count == _bucketSize)
            bucket.Waiting.RemoveAt(0);
        bucket.Waiting.Add(contact);
        oldest = bucket.Entries[0].Contact;
        return TableOffer.Waits;
    }

    /// <summary>Takes note of a call that a contact did not answer. True when it left the table; the last that waited takes its place.</summary>
    public bool Fail(PeerId peer, TimeSpan now)
    {
        if (Locate(peer) is not ({ } bucket, int at))
            return false;
        Entry entry = bucket.Entries[at];
        if (bucket.Waiting.Count == 0 && entry.Failures + 1 < MaxFailures)
        {
            bucket.Entries[at] = entry with { Failures = entry.Failures + 1 };
            return false;
        }

        Drop(bucket, at, now);
        return true;
    }

    /// <summary>Removes a peer at once, whether it has a place or waits for one.</summary>
    public void Remove(PeerId peer, TimeSpan now)
    {
        if (BucketOf(peer) is not { } bucket)
            return;
        bucket.Waiting.RemoveAll(waiting => waiting.Peer == peer);
        int at = bucket.IndexOf(peer);
        if (at >= 0)
            Drop(bucket, at, now);
    }

    /// <summary>The contact of a peer that has a place; otherwise null.</summary>
    public Contact? Find(PeerId peer) => Locate(peer) is ({ } bucket, int at) ? bucket.Entries[at].Contact : null;

    /// <summary>Whether a caller that has no place is worth calling back: while its bucket is less than half full. The other half comes from this peer's own look-ups.</summary>
    public bool Wants(PeerId peer) => Prefix(DhtKey.Of(peer)) is int prefix and < DhtKey.Bits && (_buckets[prefix]?.Entries.Count ?? 0) < HalfBucket;

    /// <summary>The contacts nearest to a place, nearest first.</summary>
    /// <param name="target">The place.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="sound">Leave out those whose last call failed: such are not named to others.</param>
    public List<Contact> Closest(DhtKey target, int count, bool sound)
    {
        var nearest = new List<Contact>(count + _bucketSize);
        int prefix = Prefix(target);

        // Contacts that share one bit more with the target than this peer does, then all that share as many as this peer, then by ever shorter prefixes: groups that follow each other in distance.
        if (prefix < DhtKey.Bits)
            Gather(nearest, target, prefix, prefix, count, sound);
        if (nearest.Count < count)
            Gather(nearest, target, Math.Min(prefix + 1, DhtKey.Bits), DhtKey.Bits - 1, count, sound);
        for (int shorter = Math.Min(prefix, DhtKey.Bits) - 1; shorter >= 0 && nearest.Count < count; shorter--)
            Gather(nearest, target, shorter, shorter, count, sound);
        return nearest;
    }

    /// <summary>Contacts not seen for a while, the longest first.</summary>
    public List<Contact> Unseen(TimeSpan now, TimeSpan since, int count) =>
    [
        .. _buckets.SelectMany(bucket => bucket?.Entries ?? []).Where(entry => now - entry.Seen >= since)
            .OrderBy(entry => entry.Seen).ThenBy(entry => entry.Contact.Peer).Take(count).Select(entry => entry.Contact),
    ];

    /// <summary>Takes note that a place has just been looked up.</summary>
    public void LookedUp(DhtKey target, TimeSpan now)
    {
        if (Prefix(target) is int prefix and < DhtKey.Bits)
            (_buckets[prefix] ??= new Bucket()).LookedUp = now;
    }

    /// <summary>Lengths of prefixes in whose range nothing has been looked up for a while, from the farthest to the one beyond the nearest contact.</summary>
    public List<int> StaleBuckets(TimeSpan now, TimeSpan since)
    {
        int deepest = Array.FindLastIndex(_buckets, bucket => bucket?.Entries.Count > 0);
        var stale = new List<int>();
        for (int prefix = 0; prefix <= deepest; prefix++)
        {
            if (_buckets[prefix]?.LookedUp is not { } last || now - last >= since)
                stale.Add(prefix);
        }

        return stale;
    }

    /// <summary>Lengths of prefixes, shorter than those of the k nearest contacts, whose buckets are not half full: what a newcomer looks up to be at home everywhere.</summary>
    public List<int> ThinBuckets()
    {
        var thin = new List<int>();
        int nearer = Count;
        for (int prefix = 0; prefix < DhtKey.Bits; prefix++)
        {
            int count = _buckets[prefix]?.Entries.Count ?? 0;
            nearer -= count;
            if (nearer < _bucketSize)
                break;
            if (count < HalfBucket)
                thin.Add(prefix);
        }

        return thin;
    }

    private int Prefix(DhtKey place) => _self.DistanceTo(place).LeadingZeros;

    private int HalfBucket => (_bucketSize + 1) / 2;

    private Bucket? BucketOf(PeerId peer) => Prefix(DhtKey.Of(peer)) is int prefix and < DhtKey.Bits ? _buckets[prefix] : null;

    private (Bucket Bucket, int At)? Locate(PeerId peer) =>
        BucketOf(peer) is { } bucket && bucket.IndexOf(peer) is >= 0 and int at ? (bucket, at) : null;

    private void Drop(Bucket bucket, int at, TimeSpan now)
    {
        bucket.Entries.RemoveAt(at);
        Count--;
        if (bucket.Waiting.Count == 0)
            return;
        bucket.Entries.Add(new Entry(bucket.Waiting[^1], now, 0));
        bucket.Waiting.RemoveAt(bucket.Waiting.Count - 1);
        Count++;
    }

    private void Gather(List<Contact> nearest, DhtKey target, int first, int last, int count, bool sound)
    {
        int start = nearest.Count;
        for (int prefix = first; prefix <= last; prefix++)
        {
            if (_buckets[prefix] is not { } bucket)
                continue;
            foreach (Entry entry in bucket.Entries)
            {
                if (!sound || entry.Failures == 0)
                    nearest.Add(entry.Contact);
            }
        }

        nearest.Sort(start, nearest.Count - start, new ByDistance(target));
        if (nearest.Count > count)
            nearest.RemoveRange(count, nearest.Count - count);
    }

    private sealed class ByDistance(DhtKey target) : IComparer<Contact>
    {
        public int Compare(Contact? one, Contact? other) => one!.Place.DistanceTo(target).CompareTo(other!.Place.DistanceTo(target));
    }

    private readonly record struct Entry(Contact Contact, TimeSpan Seen, int Failures);

    private sealed class Bucket
    {
        /// <summary>The least recently seen first.</summary>
        public List<Entry> Entries { get; } = [];

        /// <summary>The most recently seen last.</summary>
        public List<Contact> Waiting { get; } = [];

        public TimeSpan? LookedUp { get; set; }

        public int IndexOf(PeerId peer)
        {
            for (int at = 0; at < Entries.Count; at++)
            {
                if (Entries[at].Contact.Peer == peer)
                    return at;
            }

            return -1;
        }
    }
}
