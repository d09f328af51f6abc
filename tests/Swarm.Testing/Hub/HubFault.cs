namespace Swarm.Testing.Hub;

/// <summary>What the test hub does wrong, for so many answers that send a file's bytes.</summary>
public enum HubFault
{
    /// <summary>Ends the connection after half of the answer's bytes.</summary>
    Break,

    /// <summary>Ends the connection before any byte.</summary>
    BreakAtOnce,

    /// <summary>Changes one byte.</summary>
    WrongByte,

    /// <summary>Sends some bytes more than it says.</summary>
    TooLong,

    /// <summary>Sends half of the bytes, and says so.</summary>
    Short,

    /// <summary>Sends the whole file whatever was asked for.</summary>
    NoRanges,

    /// <summary>Sends nothing and keeps the connection.</summary>
    Stall,

    /// <summary>Says that the contents are others now.</summary>
    Changed,

    /// <summary>416.</summary>
    RangeNotSatisfiable,

    /// <summary>The place of the bytes has expired: 403 of the other host.</summary>
    Expired,
}
