using Swarm.Kernels;
using Swarm.Models.Blocks;

namespace Swarm.Models.Tests.Blocks;

/// <summary>A whole model with one session's cache, for tests that compare numbers.</summary>
internal sealed class ModelRunner : IDisposable
{
    private readonly ModelSource _source;
    private readonly KernelSet _kernels;

    public ModelRunner(string model, KernelSet kernels, int positions = 256)
    {
        _source = ModelSource.Open(model);
        _kernels = kernels;
        Ends = ModelEnds.Load(_source, kernels);
        Stack = BlockStack.Load(_source, _source.Config.AllBlocks, kernels);
        Pool = new KvPool(Stack.KvLayout.BytesFor(positions) * 16, Stack.KvLayout);
    }

    public ModelConfig Config => _source.Config;

    public ModelEnds Ends { get; }

    public BlockStack Stack { get; }

    public KvPool Pool { get; }

    /// <summary>Hidden states [ids, hidden] after the last block, computed in steps of the given lengths (the last one repeats).</summary>
    public float[] Hidden(int[] ids, params int[] stepLengths)
    {
        using KvCache cache = Pool.CreateCache();
        var hidden = new float[ids.Length * Config.Hidden];
        Ends.Embed(ids, 0, hidden);
        int position = 0;
        for (int step = 0; position < ids.Length; step++)
        {
            int length = stepLengths.Length == 0 ? ids.Length : stepLengths[Math.Min(step, stepLengths.Length - 1)];
            length = Math.Min(length, ids.Length - position);
            Stack.Forward(hidden.AsSpan(position * Config.Hidden, length * Config.Hidden), [new StackStep(cache, position, length)]);
            position += length;
        }

        return hidden;
    }

    /// <summary>[ids, vocabulary].</summary>
    public float[] Logits(int[] ids, params int[] stepLengths) => LogitsOf(Hidden(ids, stepLengths));

    public float[] LogitsOf(ReadOnlySpan<float> hidden)
    {
        int tokens = hidden.Length / Config.Hidden;
        var logits = new float[tokens * Config.Vocabulary];
        Ends.Logits(hidden, tokens, logits);
        return logits;
    }

    public void Dispose()
    {
        Pool.Dispose();
        Stack.Dispose();
        Ends.Dispose();
        _kernels.Dispose();
        _source.Dispose();
    }
}
