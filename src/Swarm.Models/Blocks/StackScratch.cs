using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// Memory for what lies between the parts of a block, shared by all blocks of a stack, for passes of up to <see cref="PassTokens"/> tokens. Grows to the largest
/// pass seen, so that a node that only decodes stays small; after that nothing is allocated.
/// </summary>
internal sealed class StackScratch
{
    /// <summary>
    /// Most tokens that go through the blocks together. A longer step is cut: results do not depend on it, memory does, and beyond some hundred tokens
    /// matrices are not read fewer times.
    /// </summary>
    public const int PassTokens = 256;

    private readonly ModelConfig _config;
    private int _capacity;

    public StackScratch(ModelConfig config)
    {
        _config = config;
    }

    /// <summary>[tokens, hidden]: input of a part.</summary>
    public float[] Normed { get; private set; } = [];

    /// <summary>[tokens, hidden]: input of a feed-forward part beside attention; empty where the model has none.</summary>
    public float[] NormedBeside { get; private set; } = [];

    /// <summary>[tokens, hidden]: what a part gives, where a norm follows it; empty where none does.</summary>
    public float[] Given { get; private set; } = [];

    /// <summary>[tokens, heads, headDimension].</summary>
    public float[] Queries { get; private set; } = [];

    /// <summary>[tokens, keyValueHeads, headDimension].</summary>
    public float[] Keys { get; private set; } = [];

    /// <summary>[tokens, keyValueHeads, headDimension].</summary>
    public float[] Values { get; private set; } = [];

    /// <summary>[tokens, heads, headDimension].</summary>
    public float[] Attended { get; private set; } = [];

    /// <summary>[tokens, feedForward]: what lies between the maps of a feed-forward part.</summary>
    public float[] Gate { get; private set; } = [];

    /// <summary>Between the operations of a mixture of experts; null where the model has none.</summary>
    public ExpertScratch? Experts { get; private set; }

    /// <summary>Between the operations of latent attention; null where the model has none.</summary>
    public LatentScratch? Latent { get; private set; }

    /// <summary>What experts did.</summary>
    public ExpertCounters ExpertCounters { get; } = new();

    /// <summary>The steps of a pass.</summary>
    public StackStep[] Steps { get; private set; } = [];

    /// <summary>The same as the kernels see them.</summary>
    public AttentionStep[] AttentionSteps { get; private set; } = [];

    /// <summary>Steps, or parts of them, that one call computes over pages that it writes again.</summary>
    public AttentionStep[] CutSteps { get; private set; } = [];

    /// <summary>Calls that were needed because a step would have written over what it needs.</summary>
    public long WindowCuts { get; set; }

    /// <summary>Makes room for a pass of so many tokens.</summary>
    public void Ensure(int tokens)
    {
        if (tokens <= _capacity)
            return;
        _capacity = Math.Min(PassTokens, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)tokens));
        Normed = new float[_capacity * _config.Hidden];
        NormedBeside = new float[_config.Wiring == BlockWiring.Parallel ? _capacity * _config.Hidden : 0];
        Given = new float[_config.NormPlacement == NormPlacement.Before ? 0 : _capacity * _config.Hidden];
        AttentionShape shape = AttentionPart.ShapeOf(_config, 0);
        Queries = new float[_capacity * shape.QueryWidth];
        Keys = new float[_capacity * shape.KeyWidth];
        Values = new float[_capacity * shape.ValueWidth];
        Attended = new float[_capacity * shape.OutputWidth];
        Gate = new float[_capacity * Math.Max(_config.FeedForward, _config.Experts?.SharedFeedForward ?? 0)];
        Latent = _config.Latent is { } latent ? new LatentScratch(_config, latent, _capacity) : null;
        Experts = _config.Experts is { } experts ? new ExpertScratch(_config, experts, _capacity) : null;
        Steps = new StackStep[_capacity];
        AttentionSteps = new AttentionStep[_capacity];
        CutSteps = new AttentionStep[_capacity];
    }
}
