namespace Swarm.Protocol.Weights;

/// <summary>The numbers of handing tensors to each other, in one place.</summary>
public static class WeightsLimits
{
    /// <summary>Ranges of a request.</summary>
    public const int MaxRanges = 64;

    /// <summary>Bytes of a request's ranges together.</summary>
    public const long MaxRequestBytes = 8 << 20;

    /// <summary>Bytes of a part.</summary>
    public const int MaxPartBytes = 64 << 10;

    /// <summary>Bytes of one tensor.</summary>
    public const long MaxBlobBytes = 1L << 40;

    /// <summary>Bytes of a model's description.</summary>
    public const int MaxDescriptionBytes = 256 << 20;

    /// <summary>Transfers that a node serves at once; and those of one caller.</summary>
    public const int MaxTransfers = 4;

    /// <summary>Transfers of one caller at once.</summary>
    public const int MaxTransfersOfCaller = 2;

    /// <summary>Requests of a caller at once.</summary>
    public const int CallerRequests = 64;

    /// <summary>Requests of a caller a second, after those.</summary>
    public const double CallerRequestsPerSecond = 16;

    /// <summary>Callers whose shares are kept apart.</summary>
    public const int MaxCallers = 4096;

    /// <summary>Bytes a second that a node hands out, all callers together, while it computes for sessions: their hidden states leave by the same way.</summary>
    public const long BytesPerSecondWhileComputing = 256 << 10;

    /// <summary>A node counts as computing for so long after a step.</summary>
    public static readonly TimeSpan ComputingTime = TimeSpan.FromSeconds(1);

    /// <summary>Bytes of a large tensor that are asked of one peer at a time.</summary>
    public const int PieceBytes = 4 << 20;

    /// <summary>Peers that are asked at once.</summary>
    public const int MaxPeers = 4;

    /// <summary>Silence of a transfer after which it goes on elsewhere.</summary>
    public static readonly TimeSpan Stall = TimeSpan.FromSeconds(30);

    /// <summary>How long nothing may come before fetching is given up, where some peer may still have what is missing.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>First wait before a peer that is busy or failed is asked again; doubles up to <see cref="LongestWait"/>.</summary>
    public static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(250);

    /// <summary>Longest such wait.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(8);
}
