namespace Swarm.Kernels.Codecs;

/// <summary>Which way this thread's tokens were encoded by entropy-coding codecs, so that a test can tell when the fast one was not taken.</summary>
public static class CodecCounters
{
    /// <summary>Tokens rounded to steps on vectors.</summary>
    [field: ThreadStatic]
    public static long Vector { get; internal set; }

    /// <summary>Tokens rounded to steps one value at a time.</summary>
    [field: ThreadStatic]
    public static long Scalar { get; internal set; }

    /// <summary>Tokens that are no case for steps.</summary>
    [field: ThreadStatic]
    public static long Plain { get; internal set; }

    /// <summary>Eights of values whose classes and bits were written or read on vectors.</summary>
    [field: ThreadStatic]
    public static long Eights { get; internal set; }
}
