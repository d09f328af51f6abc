namespace Swarm.Testing.Fuzzing;

/// <summary>A parser to be fed broken input.</summary>
public sealed class FuzzTarget
{
    public required string Name { get; init; }

    /// <summary>Valid inputs; each must be taken without an error, which is checked before anything is changed.</summary>
    public required IReadOnlyList<byte[]> Seeds { get; init; }

    /// <summary>One is drawn for each input; one listed twice is drawn twice as often.</summary>
    public required IReadOnlyList<IFuzzMutator> Mutators { get; init; }

    /// <summary>Parses an input, and uses what came out of it where that does work of its own. Returns a word for the report.</summary>
    public required Func<byte[], string> Parse { get; init; }

    /// <summary>The error that the parser promises, as a word for the report; null for any other exception, which is a bug.</summary>
    public required Func<Exception, string?> TypedError { get; init; }

    /// <summary>Whether an input got past what a format is recognised by: magic, version, counts, or for a language its syntax.</summary>
    public required Func<byte[], Exception?, bool> PassedHeader { get; init; }

    /// <summary>Managed bytes that one input may make its thread allocate, whatever it says about itself.</summary>
    public long MaxAllocatedBytes { get; init; } = 8 << 20;
}
