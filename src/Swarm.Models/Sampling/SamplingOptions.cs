namespace Swarm.Models.Sampling;

/// <summary>How the next token is chosen. The default is greedy.</summary>
public sealed record SamplingOptions
{
    public static readonly SamplingOptions Greedy = new();

    /// <summary>Divides the logits; 0 takes the highest one (the lowest id of equal ones). 0 to 100.</summary>
    public float Temperature { get; init; }

    /// <summary>Keeps this many of the highest logits, and those equal to the last of them; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Keeps the fewest most probable tokens whose probabilities reach this sum; 1 keeps all. Above 0, to 1.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Keeps tokens at least this fraction as probable as the most probable one; 0 keeps all. 0 to 1.</summary>
    public float MinP { get; init; }

    /// <summary>Logits of tokens seen are divided by this where positive and multiplied where negative; 1 is off. Above 0, to 100.</summary>
    public float RepeatPenalty { get; init; } = 1;

    /// <summary>How many of the last tokens count as seen; null for all.</summary>
    public int? RepeatLastN { get; init; }

    /// <summary>With the position it decides every draw.</summary>
    public ulong Seed { get; init; }

    /// <summary>Checks every field.</summary>
    /// <exception cref="ModelException"><see cref="ModelError.InvalidArgument"/>, naming field, value and range.</exception>
    public void Validate()
    {
        Check(nameof(Temperature), Temperature, Temperature is >= 0 and <= 100, "0 to 100");
        Check(nameof(TopK), TopK, TopK >= 0, "0 or more");
        Check(nameof(TopP), TopP, TopP is > 0 and <= 1, "above 0, to 1");
        Check(nameof(MinP), MinP, MinP is >= 0 and <= 1, "0 to 1");
        Check(nameof(RepeatPenalty), RepeatPenalty, RepeatPenalty is > 0 and <= 100, "above 0, to 100");
        Check(nameof(RepeatLastN), RepeatLastN, RepeatLastN is null or >= 0, "0 or more, or none");
    }

    private static void Check<T>(string field, T value, bool ok, string range)
    {
        if (!ok)
            throw new ModelException(ModelError.InvalidArgument, FormattableString.Invariant($"{field} is {value}; expected {range}."));
    }
}
