namespace Swarm.Simulation;

/// <summary>What came of one seed.</summary>
public sealed record RunResult
{
    public required ulong Seed { get; init; }

    /// <summary>Generations that ended, and their tokens.</summary>
    public int Generations { get; init; }

    public long Tokens { get; init; }

    /// <summary>Tokens of prompts that needed no computing, because nodes had them from an earlier generation of the client.</summary>
    public long PrefixTokens { get; init; }

    /// <summary>Times that a chain was mended.</summary>
    public long Recoveries { get; init; }

    /// <summary>Generations that ended with an error because blocks really were uncovered.</summary>
    public int Uncovered { get; init; }

    /// <summary>Faults that happened, by kind.</summary>
    public required IReadOnlyDictionary<SimulatedFault, int> Faults { get; init; }

    /// <summary>Generations whose text is not that of the undisturbed run.</summary>
    public int Mismatches { get; init; }

    /// <summary>Generations, or the run, that did not end.</summary>
    public int Hangs { get; init; }

    /// <summary>What should never be, in words; mismatches and hangs too.</summary>
    public required IReadOnlyList<string> Violations { get; init; }

    public TimeSpan VirtualTime { get; init; }

    /// <summary>Equal for equal runs.</summary>
    public required string TraceHash { get; init; }

    public bool IsSound => Mismatches == 0 && Hangs == 0 && Violations.Count == 0;
}
