using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Swarm.Protocol.Dht;

/// <summary>How a peer takes part in the DHT. Defaults suit a node.</summary>
public sealed record DhtOptions
{
    /// <summary>Looks up and stores, but answers nobody and is entered in nobody's table. Default false.</summary>
    public bool IsClient { get; init; }

    /// <summary>Silence after which a call has failed. Default 2 s.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often the tables are looked after, jittered by a fifth: records that end, contacts to ping, buckets to refresh. Default 10 s.</summary>
    public TimeSpan UpkeepInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a contact may be silent before upkeep pings it. Default 60 s.</summary>
    public TimeSpan ContactRecheck { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often this peer looks up its own neighbours. Default 60 s.</summary>
    public TimeSpan NeighbourRefresh { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a bucket may go without a look-up before upkeep makes one. Default 10 min.</summary>
    public TimeSpan BucketRefresh { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How often this peer's own live records are brought to who is nearest by now. Default 60 s.</summary>
    public TimeSpan RepublishInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a peer that failed is left alone by look-ups. Default 60 s.</summary>
    public TimeSpan SuspectFor { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Look-ups a caller may ask for in one go. Default 2,000.</summary>
    public int LookUpBurst { get; init; } = 2000;

    /// <summary>Look-ups a second and caller beyond the burst. Default 200.</summary>
    public double LookUpsPerSecond { get; init; } = 200;

    /// <summary>Records a caller may bring in one go. Default 2,000.</summary>
    public int StoreBurst { get; init; } = 2000;

    /// <summary>Records a second and caller beyond the burst. Each may cost a signature check of about 0.1 ms. Default 100.</summary>
    public double StoresPerSecond { get; init; } = 100;

    /// <summary>Where contacts that come and go, and peers that lie, are reported. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Room for records.</summary>
    internal RecordStoreLimits Store { get; init; } = new();

    /// <summary>How signatures are checked; a simulation of thousands of nodes in one process checks each record once for all.</summary>
    internal Func<DhtRecord, bool> HasSoundSignature { get; init; } = SignedRecords.HasSoundSignature;

    /// <exception cref="ArgumentOutOfRangeException">A value that makes no sense; the message names it.</exception>
    internal void Validate()
    {
        Check(CallTimeout, nameof(CallTimeout));
        Check(UpkeepInterval, nameof(UpkeepInterval));
        Check(ContactRecheck, nameof(ContactRecheck));
        Check(NeighbourRefresh, nameof(NeighbourRefresh));
        Check(BucketRefresh, nameof(BucketRefresh));
        Check(RepublishInterval, nameof(RepublishInterval));
        Check(SuspectFor, nameof(SuspectFor));
        ArgumentOutOfRangeException.ThrowIfLessThan(LookUpBurst, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(LookUpsPerSecond);
        ArgumentOutOfRangeException.ThrowIfLessThan(StoreBurst, DhtLimits.MaxStoreRecords);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(StoresPerSecond);
    }

    private static void Check(TimeSpan value, string name) => ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, name);
}
