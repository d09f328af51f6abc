namespace Swarm.Protocol.Dht;

/// <summary>How much a holder keeps. What a record costs is its bytes and <see cref="Overhead"/>.</summary>
internal sealed record RecordStoreLimits
{
    /// <summary>Memory of a record beyond its bytes: the objects and table rows that hold it.</summary>
    public const int Overhead = 1024;

    /// <summary>Cost of all records. Default 7 MiB, with which a holder's memory stays below 10 MB.</summary>
    public int MaxBytes { get; init; } = 7 << 20;

    /// <summary>Cost of the records that others than their signers brought; the rest is free for signers alone. Default 3.5 MiB.</summary>
    public int MaxBroughtBytes { get; init; } = 7 << 19;

    /// <summary>Signers under one key.</summary>
    public int MaxSigners { get; init; } = DhtLimits.MaxSigners;

    /// <summary>Signers under one key whose records others brought.</summary>
    public int MaxBroughtSigners { get; init; } = DhtLimits.MaxSigners * 3 / 4;

    /// <summary>Cost of a caller's own records. Default 512 KiB.</summary>
    public int MaxOwnBytes { get; init; } = 512 << 10;

    /// <summary>Cost of the records of others that one caller brings. Default 1 MiB.</summary>
    public int MaxBroughtBytesOfCaller { get; init; } = 1 << 20;

    /// <summary>Sequence numbers of ended records that are remembered against replays.</summary>
    public int MaxRemembered { get; init; } = 4096;
}
