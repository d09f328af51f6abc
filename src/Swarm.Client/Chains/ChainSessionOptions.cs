using Swarm.Models;
using Swarm.Models.Sampling;
using Swarm.Protocol;

namespace Swarm.Client;

/// <summary>What a session over blocks is opened with.</summary>
public sealed record ChainSessionOptions
{
    /// <summary>Blocks to go through. Default: all.</summary>
    public BlockSpan? Blocks { get; init; }

    /// <summary>Codec at the rounding points: <c>f32</c> (exact, the default) or another's name; <c>auto</c> becomes one when the session opens (<see cref="AutoCodec"/>).</summary>
    public string Codec { get; init; } = "f32";

    /// <summary>
    /// Block boundaries at which hidden states are rounded by the codec, ascending. Default: where the opened route passes from one
    /// node to the next.
    /// </summary>
    public IReadOnlyList<int>? RoundAt { get; init; }

    /// <summary>Positions that the session may ever hold. Default: the model's context.</summary>
    public int? MaxPositions { get; init; }

    /// <summary>Positions that it will likely need: what admission counts. Default: 256 or <see cref="MaxPositions"/>, the lesser.</summary>
    public int? ExpectedPositions { get; init; }

    /// <summary>How long the session looks for a way when its chain broke and nobody serves the blocks, before it tells so. Default: 3.5 s.</summary>
    public TimeSpan Grace { get; init; } = ChainTiming.Grace;

    /// <summary>Where hidden states come from again when the first hop is lost. Default: the session keeps copies of what it is fed.</summary>
    public IHiddenSource? Source { get; init; }

    /// <summary>Who holds the model's ends. With <see cref="EndsMode.Swarm"/> the session is over all blocks and is fed token ids. Default: <see cref="EndsMode.Local"/>.</summary>
    public EndsMode Ends { get; init; }

    /// <summary>How the last node chooses, with <see cref="EndsMode.Swarm"/>; otherwise without meaning. Default: greedy.</summary>
    public SamplingOptions Sampling { get; init; } = SamplingOptions.Greedy;

    /// <summary>
    /// Where ids come from again, with <see cref="EndsMode.Swarm"/>. Default: the session keeps copies of what it is fed. Where it is given, with whichever ends, the session's pages have
    /// names by which nodes share them with this client's later sessions.
    /// </summary>
    public ITokenSource? TokenSource { get; init; }

    /// <summary>
    /// Ids that the session is about to be fed from position 0 on, and that <see cref="TokenSource"/> gives already: a chain whose nodes have keys and values of their beginning from an
    /// earlier session of this client starts after these, and <see cref="IChainSession.Length"/> says how far that is; never beyond the last but one. Default: none.
    /// </summary>
    public ReadOnlyMemory<int> Prefix { get; init; }

    /// <summary>Whether nodes may share this session's beginning with earlier and later sessions of this client. Default: yes.</summary>
    public bool SharesPrefix { get; init; } = true;
}
