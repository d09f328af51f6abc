namespace Swarm.Node.Sessions;

/// <summary>For what a client asks.</summary>
internal enum ShareClaim
{
    /// <summary>Its only session: whatever is free, so that a client alone, or with little, is never told to wait for room that nobody uses.</summary>
    Only,

    /// <summary>One more, or the growth of one of several.</summary>
    More,

    /// <summary>What it can do without.</summary>
    Spare,
}
