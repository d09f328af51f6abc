namespace Swarm.Client;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The number of tokens asked for, or the context, is reached.</summary>
    Length,

    /// <summary>A stop text appeared.</summary>
    Stop,

    /// <summary>The model gave its end-of-sequence token.</summary>
    EndOfSequence,
}
