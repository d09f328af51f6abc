using Swarm.Models.Sampling;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>How to continue a prompt. Default: 64 tokens, greedy, exact transport.</summary>
public sealed record GenerationOptions
{
    /// <summary>Most tokens to generate, at least 1. The context may end it earlier.</summary>
    public int MaxTokens { get; init; } = 64;

    /// <summary>How the next token is chosen. Default: the likeliest.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Texts that end the continuation; they are not part of it.</summary>
    public IReadOnlyList<string> StopTexts { get; init; } = [];

    /// <summary>Whether the model's end-of-sequence tokens end the continuation. Default: yes.</summary>
    public bool StopAtEndOfSequence { get; init; } = true;

    /// <summary>Whether special tokens show in the text. Default: no.</summary>
    public bool ShowSpecialTokens { get; init; }

    /// <summary>Codec of hidden states at the rounding points. Default: <c>f32</c>, exact. <c>auto</c>: by the route's links, once.</summary>
    public string Codec { get; init; } = "f32";

    /// <summary>Block boundaries that the codec is applied at. Default: where the route passes from one node to the next.</summary>
    public IReadOnlyList<int>? RoundAt { get; init; }

    /// <summary>Whether nodes may share the keys and values of equal beginnings among this client's sessions. Default: yes.</summary>
    public bool SharesPrefix { get; init; } = true;

    /// <summary>Prompt tokens that travel as one step.</summary>
    public int PrefillChunk { get; init; } = 128;

    /// <summary>Called once the chain is open, before the first token.</summary>
    public Action<ChainRoute>? RouteOpened { get; init; }

    /// <summary>Called when the chain was mended, before the first token that came back after it. The chain is then another, and its epoch a later one.</summary>
    public Action<ChainRecovery>? Recovered { get; init; }

    /// <summary>How long to look for a way when the chain broke and nobody serves the blocks, before telling so. Default: 3.5 s.</summary>
    public TimeSpan Grace { get; init; } = ChainTiming.Grace;
}
