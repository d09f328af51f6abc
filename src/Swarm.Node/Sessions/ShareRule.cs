using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>
/// Who may take how much of something that clients share: bytes of cache, sessions. Nothing is taken back from anybody, so a part stays for who comes next.
/// <para>
/// With k clients a fair share is 1/(k + 1) of all: one share is always left to count for a newcomer. Within it, and for its only session, a client takes what is free. Above it a client takes
/// only what leaves one part in eight free, and nothing at all while another, within its own share, was refused and waits.
/// </para>
/// <para>
/// So a client alone has at least 7/8 of all, and all of it in one session; a newcomer finds what is kept free for those within their share; and whatever comes back
/// goes to those within their share until none of them waits, so that in time nobody who asks is left with less than a fair share while another holds more.
/// </para>
/// Rules only: no clock, no lock.
/// </summary>
internal sealed class ShareRule(long capacity)
{
    /// <summary>After so long a refused client is to ask again.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    // Who did not ask again for so long waits no more.
    private static readonly TimeSpan Waits = 2 * RetryAfter;

    // One part in so many is kept free.
    private const int KeptFree = 8;

    private readonly Dictionary<PeerId, long> _held = [];
    private readonly Dictionary<PeerId, TimeSpan> _waiting = [];
    private long _total;

    /// <summary>What there is. Lowered below what is held, nothing more is given until enough has come back.</summary>
    public long Capacity { get; set; } = capacity;

    /// <summary>What nobody holds.</summary>
    public long Free => Math.Max(0, Capacity - _total);

    /// <summary>Clients that hold something.</summary>
    public int Clients => _held.Count;

    /// <summary>What a client holds.</summary>
    public long Held(PeerId client) => _held.GetValueOrDefault(client);

    /// <summary>Takes an amount, or nothing.</summary>
    /// <param name="client">Who asks.</param>
    /// <param name="amount">How much.</param>
    /// <param name="unit">What is kept free is counted in whole units.</param>
    /// <param name="claim">For what.</param>
    /// <param name="now">Since one fixed moment.</param>
    public bool TryTake(PeerId client, long amount, long unit, ShareClaim claim, TimeSpan now)
    {
        if (amount <= 0)
            return true;
        long held = Held(client);
        int clients = _held.Count + (held > 0 ? 0 : 1);
        bool isWithin = claim != ShareClaim.Spare && held + amount <= Capacity / (clients + 1);
        if (amount > Free)
        {
            if (isWithin)
                _waiting[client] = now;
            return false;
        }

        bool isFree = claim == ShareClaim.Only || isWithin;
        if (!isFree && (Free - amount < Capacity / KeptFree / unit * unit || OthersWait(client, now)))
            return false;
        _waiting.Remove(client);
        _held[client] = held + amount;
        _total += amount;
        return true;
    }

    /// <summary>Gives back what was taken.</summary>
    public void Return(PeerId client, long amount)
    {
        if (amount <= 0)
            return;
        long left = _held[client] - amount;
        if (left > 0)
            _held[client] = left;
        else
            _held.Remove(client);
        _total -= amount;
    }

    private bool OthersWait(PeerId client, TimeSpan now)
    {
        bool waits = false;
        foreach ((PeerId other, TimeSpan since) in _waiting)
        {
            if (now - since > Waits)
                _waiting.Remove(other);
            else
                waits |= other != client;
        }

        return waits;
    }
}
