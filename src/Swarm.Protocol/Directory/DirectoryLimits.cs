namespace Swarm.Protocol.Directory;

/// <summary>The directory's numbers, in one place.</summary>
public static class DirectoryLimits
{
    /// <summary>Characters of a weights' format.</summary>
    public const int MaxWeightsLength = 16;

    /// <summary>Life of an announcement from receipt by its holder.</summary>
    public static readonly TimeSpan AnnouncementLife = TimeSpan.FromSeconds(60);

    /// <summary>Renewal of an announcement that does not change, ± <see cref="Jitter"/>.</summary>
    public static readonly TimeSpan RenewalInterval = TimeSpan.FromSeconds(20);

    /// <summary>Share by which intervals vary, so that peers do not act in step.</summary>
    public const double Jitter = 0.25;

    /// <summary>Look-up of the directory's records, for few nodes; see <see cref="RefreshPerNode"/>.</summary>
    public static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(4);

    /// <summary>What each known node adds to the refresh interval: a swarm of thousands is not read anew every few seconds.</summary>
    public static readonly TimeSpan RefreshPerNode = TimeSpan.FromMilliseconds(10);

    /// <summary>Between two probes of a neighbour.</summary>
    public static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(2);

    /// <summary>How long a probe waits.</summary>
    public static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(2);

    /// <summary>Silent probes in a row that make a peer dead.</summary>
    public const int SilencesOfTheDead = 2;

    /// <summary>Neighbours on the ring of peer ids that a node watches.</summary>
    public const int WatchedSuccessors = 3;

    /// <summary>First wait before a hidden peer is probed again; doubles up to <see cref="LongestHiding"/>.</summary>
    public static readonly TimeSpan FirstHiding = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait before a hidden peer is probed again.</summary>
    public static readonly TimeSpan LongestHiding = TimeSpan.FromSeconds(30);

    /// <summary>How long a peer stays hidden whose bytes contradicted themselves.</summary>
    public static readonly TimeSpan LiarHiding = TimeSpan.FromMinutes(1);

    /// <summary>How long a peer counts as full after it refused a session for want of room, unless it announces anew.</summary>
    public static readonly TimeSpan FullTime = TimeSpan.FromSeconds(3);

    /// <summary>A peer that answered so lately is not probed again because somebody suspects it.</summary>
    public static readonly TimeSpan FreshProof = TimeSpan.FromSeconds(3);

    /// <summary>How long a death is told to others.</summary>
    public static readonly TimeSpan SuspicionLife = TimeSpan.FromSeconds(60);

    /// <summary>How long a client's own measurement of a peer counts.</summary>
    public static readonly TimeSpan ObservationLife = TimeSpan.FromMinutes(1);

    /// <summary>Weight of a new measurement in the running mean.</summary>
    public const double ObservationWeight = 0.3;

    /// <summary>Blocks of a region: announcements of one model lie under one key a region.</summary>
    public const int RegionBlocks = 32;

    /// <summary>Measured links of an announcement.</summary>
    public const int MaxLinks = 16;

    /// <summary>Suspicions of a message.</summary>
    public const int MaxSuspicions = 64;

    /// <summary>Records of a message that tells of changes.</summary>
    public const int MaxRecords = 64;

    /// <summary>Peers that a change is told to directly; in a larger swarm those tell others.</summary>
    public const int DirectFanOut = 32;

    /// <summary>Look-up of the root's revocations, ± <see cref="Jitter"/>.</summary>
    public static readonly TimeSpan RevocationsInterval = TimeSpan.FromSeconds(60);

    /// <summary>Life of a record of the root's revocations.</summary>
    public static readonly TimeSpan RevocationsLife = TimeSpan.FromMinutes(4);

    /// <summary>A record older than this is renewed: two look-ups later it has ended.</summary>
    public static readonly TimeSpan RevocationsRenewal = TimeSpan.FromSeconds(100);

    /// <summary>Records of the newest list that are enough; only where there are fewer does a node add its own.</summary>
    public const int RevocationsCopies = 3;

    /// <summary>Peers to whom a change or suspicion is passed on.</summary>
    public const int RelayFanOut = 8;
}
