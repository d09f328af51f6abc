namespace Swarm.Models.Families;

/// <summary>What a tensor does in a model, whatever a file calls it.</summary>
internal enum TensorRole
{
    Embedding,
    FinalNorm,
    Head,
    RotaryFactors,
    AttentionNorm,
    Query,
    QueryBias,
    Key,
    KeyBias,
    Value,
    ValueBias,
    AttentionOutput,
    AttentionOutputBias,
    FeedForwardNorm,
    Gate,
    GateBias,
    Up,
    UpBias,
    Down,
    DownBias,
}
