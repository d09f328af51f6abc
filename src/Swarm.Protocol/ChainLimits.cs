namespace Swarm.Protocol;

/// <summary>What the chain's frames and the directory's messages may hold; checked before anything is allocated.</summary>
public static class ChainLimits
{
    /// <summary>Hops of a route.</summary>
    public const int MaxHops = 256;

    /// <summary>Characters of an address.</summary>
    public const int MaxAddressLength = 300;

    /// <summary>Characters of a fault's message.</summary>
    public const int MaxFaultMessage = 1024;

    /// <summary>Rounding points of a session.</summary>
    public const int MaxRoundingPoints = 1024;

    /// <summary>Tokens of one step.</summary>
    public const int MaxStepTokens = 4096;

    /// <summary>Positions of a page that sessions can share.</summary>
    public const int PagePositions = 64;

    /// <summary>Every so many positions of a session have a name.</summary>
    public const int LabelPositions = 16;

    /// <summary>Bytes of such a name.</summary>
    public const int LabelBytes = 16;

    /// <summary>Names that a session may be opened with.</summary>
    public const int MaxPrefixLabels = 4096;

    /// <summary>Steps of a session that may wait at a node.</summary>
    public const int MaxPendingSteps = 1024;

    /// <summary>Bytes of hidden states of a session that may wait at a node.</summary>
    public const long MaxPendingBytes = 256L << 20;

    /// <summary>Steps of a session on their way from one hop to the next; and those that wait there before the sender has to.</summary>
    public const int MaxUnacknowledgedSteps = 64;

    /// <summary>The same in bytes of hidden states.</summary>
    public const long MaxUnacknowledgedBytes = 16L << 20;

    /// <summary>Results that the last hop keeps for a client that may have lost its link.</summary>
    public const int MaxStoredResults = 1024;

    /// <summary>Steps of all sessions of a client that may wait at a node.</summary>
    public const int MaxClientPendingSteps = 16_384;

    /// <summary>Bytes of hidden states of all sessions of a client that may wait at a node.</summary>
    public const long MaxClientPendingBytes = 1L << 30;

    /// <summary>Results of a session that wait for their client to attach.</summary>
    public const int MaxParkedFrames = 256;

    /// <summary>Bytes of frames that wait for a peer to take them; one that takes less loses the link.</summary>
    public const long MaxQueuedBytes = 512L << 20;

    /// <summary>Bytes of sent hidden states of a session that may lie in a file, once memory has no room for them.</summary>
    public const long MaxSpilledBytes = 1L << 30;

    /// <summary>Sessions of a node.</summary>
    public const int MaxSessions = 4096;

    /// <summary>Clients' attachments that wait for their session to arrive.</summary>
    public const int MaxParkedAttachments = 1024;

    /// <summary>Entries of a directory.</summary>
    public const int MaxAnnouncements = 4096;

    /// <summary>Addresses of an announcement.</summary>
    public const int MaxAddresses = 8;

    /// <summary>Addresses of an invite.</summary>
    public const int MaxInviteAddresses = 16;

    /// <summary>Characters of an invite's text.</summary>
    public const int MaxInviteLength = 8192;

    /// <summary>Characters of a name for people.</summary>
    public const int MaxNameLength = 200;

    /// <summary>Bytes of a manifest.</summary>
    public const int MaxManifestBytes = 64 << 20;

    /// <summary>Blocks of a model.</summary>
    public const int MaxBlocks = 4096;
}
