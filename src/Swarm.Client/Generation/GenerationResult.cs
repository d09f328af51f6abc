namespace Swarm.Client;

/// <summary>What a finished generation amounts to.</summary>
public sealed record GenerationResult
{
    /// <summary>The continuation, without a stop text.</summary>
    public required string Text { get; init; }

    /// <summary>Tokens of the whole prompt.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>Of these, how many had to be computed; less than <see cref="PromptTokens"/> when a session kept the others, or nodes had them.</summary>
    public required int PrefilledTokens { get; init; }

    /// <summary>Of <see cref="PromptTokens"/>: those whose keys and values the nodes had from an earlier session of this client when this one was opened.</summary>
    public int PrefixTokens { get; init; }

    /// <summary>Ids of the continuation, an end-of-sequence token included.</summary>
    public required IReadOnlyList<int> Tokens { get; init; }

    public required FinishReason FinishReason { get; init; }

    /// <summary>From the call to the first token, opening the chain included.</summary>
    public required TimeSpan TimeToFirstToken { get; init; }

    public required double PrefillTokensPerSecond { get; init; }

    /// <summary>Tokens after the first, over the time they took; 0 when there was one.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Times that the chain was mended under way.</summary>
    public required int Recoveries { get; init; }

    public required ChainRoute Route { get; init; }

    public required ChainFigures Figures { get; init; }
}
