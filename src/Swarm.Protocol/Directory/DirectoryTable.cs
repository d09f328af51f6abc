using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>
/// The announcements that a peer holds: a plain table of (announcement, time of receipt). Time is given with each call, in the
/// caller's monotonic clock. Not thread-safe.
/// </summary>
public sealed class DirectoryTable
{
    private readonly SortedDictionary<PeerId, Row> _rows = [];

    /// <summary>Announcements held, expired ones included until <see cref="Expire"/>.</summary>
    public int Count => _rows.Count;

    /// <summary>Adds or renews an announcement heard <paramref name="age"/> ago. Says what changed.</summary>
    public DirectoryChange Put(NodeAnnouncement announcement, TimeSpan age, TimeSpan now)
    {
        PeerId peer = PeerId.TryRead(announcement.Peer, out PeerId id) ? id : throw new ArgumentException("peer id is not 32 bytes");
        TimeSpan heard = now - age;
        if (age >= ChainLimits.AnnouncementLife)
            return DirectoryChange.None;
        if (_rows.TryGetValue(peer, out Row row))
        {
            bool newer = announcement.Sequence > row.Announcement.Sequence;
            if (!newer && (announcement.Sequence < row.Announcement.Sequence || heard <= row.Heard))
                return DirectoryChange.None;
            _rows[peer] = new Row(announcement, heard);
            return newer ? DirectoryChange.Updated : DirectoryChange.None;
        }

        if (_rows.Count >= ChainLimits.MaxAnnouncements)
            return DirectoryChange.None;
        _rows.Add(peer, new Row(announcement, heard));
        return DirectoryChange.Added;
    }

    /// <summary>Removes a peer whose announcement is not newer than <paramref name="sequence"/>.</summary>
    public bool Remove(PeerId peer, ulong sequence) =>
        _rows.TryGetValue(peer, out Row row) && row.Announcement.Sequence <= sequence && _rows.Remove(peer);

    /// <summary>Drops what has outlived its time and names whom it belonged to.</summary>
    public IReadOnlyList<PeerId> Expire(TimeSpan now)
    {
        List<PeerId>? expired = null;
        foreach ((PeerId peer, Row row) in _rows)
        {
            if (now - row.Heard >= ChainLimits.AnnouncementLife)
                (expired ??= []).Add(peer);
        }

        foreach (PeerId peer in expired ?? [])
            _rows.Remove(peer);
        return expired ?? [];
    }

    /// <summary>What is alive, ordered by peer.</summary>
    public IReadOnlyList<DirectoryEntry> List(TimeSpan now)
    {
        var entries = new List<DirectoryEntry>(_rows.Count);
        foreach (Row row in _rows.Values)
        {
            TimeSpan age = now - row.Heard;
            if (age < ChainLimits.AnnouncementLife)
            {
                entries.Add(new DirectoryEntry
                {
                    Announcement = row.Announcement,
                    AgeMilliseconds = (uint)Math.Max(0, age.TotalMilliseconds),
                });
            }
        }

        return entries;
    }

    private readonly record struct Row(NodeAnnouncement Announcement, TimeSpan Heard);
}
