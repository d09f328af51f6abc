namespace Swarm.Protocol;

/// <summary>Where random bits come from: the operating system in a daemon, a seed in a test or simulation. Thread-safe.</summary>
public interface IRandomSource
{
    /// <summary>Fills the span with random bytes.</summary>
    void Fill(Span<byte> destination);

    /// <summary>64 random bits.</summary>
    ulong NextUInt64();
}
