namespace Swarm.Models.Tokenizers.Patterns;

internal enum PatternOp
{
    Accept,

    /// <summary>One code point of the set.</summary>
    One,

    /// <summary>A to B (or without bound) code points of the set, as many as possible, giving back one by one.</summary>
    RunGreedy,

    /// <summary>The same, as few as possible.</summary>
    RunLazy,

    /// <summary>The same, as many as possible, giving nothing back.</summary>
    RunPossessive,

    /// <summary>Goes on; on failure goes to A.</summary>
    Try,

    Jump,

    /// <summary>The body that follows (to its Accept) matches here, then A. B is the number of code points to look behind, or -1 for ahead.</summary>
    Look,

    NotLook,

    /// <summary>The body that follows matches, without giving back, then A.</summary>
    Atomic,

    /// <summary>The place A holds.</summary>
    Place,
}
