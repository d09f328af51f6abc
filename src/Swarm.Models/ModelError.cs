namespace Swarm.Models;

/// <summary>Why a model cannot be used. Names are stable: they are the <c>code</c> of the command's <c>failed</c> event.</summary>
public enum ModelError
{
    /// <summary>There is no such file, folder or name.</summary>
    ModelNotFound,

    /// <summary>The bytes contradict the format: truncated, overlapping, over a limit, wrong magic.</summary>
    CorruptModel,

    /// <summary>Well-formed, but a family, type or construct that this version does not have.</summary>
    UnsupportedModel,

    /// <summary>Blocks, positions or ids outside the model.</summary>
    InvalidArgument,

    /// <summary>More positions than the model's context.</summary>
    ContextExceeded,

    /// <summary>The key-value pool has too few pages left.</summary>
    NoCapacity,

    /// <summary>The hub refuses the access token, or wants one.</summary>
    Unauthorized,

    /// <summary>The model's makers let those in who accepted their terms at the hub.</summary>
    Gated,

    /// <summary>The hub does not answer, not as expected, or must not be asked.</summary>
    HubUnreachable,

    /// <summary>What was transferred is not what was announced.</summary>
    ChecksumMismatch,

    /// <summary>The files do not fit on the disk.</summary>
    DiskFull,
}
