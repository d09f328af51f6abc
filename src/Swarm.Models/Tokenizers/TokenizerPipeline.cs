using Swarm.Models.Tokenizers.Decoding;
using Swarm.Models.Tokenizers.Merging;
using Swarm.Models.Tokenizers.Normalizing;
using Swarm.Models.Tokenizers.Splitting;

namespace Swarm.Models.Tokenizers;

/// <summary>The parts of a <see cref="PipelineTokenizer"/>, as a loader found them.</summary>
internal sealed record TokenizerPipeline
{
    public required string Kind { get; init; }

    public required Vocabulary Vocabulary { get; init; }

    public required SpecialTokens SpecialTokens { get; init; }

    public required TokenModel Model { get; init; }

    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    public IReadOnlyList<Normalizer> Normalizers { get; init; } = [];

    public IReadOnlyList<PreTokenizer> PreTokenizers { get; init; } = [];

    public IReadOnlyList<DecodeStep> Decoder { get; init; } = [];

    /// <summary>Ids that <c>addSpecial</c> puts in front.</summary>
    public IReadOnlyList<int> Before { get; init; } = [];

    /// <summary>Ids that <c>addSpecial</c> puts behind.</summary>
    public IReadOnlyList<int> After { get; init; } = [];
}
