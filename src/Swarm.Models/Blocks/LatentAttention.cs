using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// Latent attention (arXiv 2405.04434, section 2.1) in its absorbed form: the cache holds one latent vector and one turned key a position for all heads. A head's map from the
/// latent to keys is applied to its query, and its map to values to the weighted sum of latents, so that no key or value of a head is ever made. Turned values lie first in queries and
/// keys.
/// </summary>
/// <param name="config">Widths.</param>
/// <param name="shape">Geometry over the latent: one key-value head.</param>
/// <param name="rotary">Turns the first values.</param>
/// <param name="query">Makes queries.</param>
/// <param name="latent">Makes the latent.</param>
/// <param name="latentNorm">Of the latent.</param>
/// <param name="sharedKey">Makes the key that turns.</param>
/// <param name="keys">For each head [rank, plain]: its map to keys, transposed.</param>
/// <param name="values">For each head [value, rank]: its map to values.</param>
/// <param name="output">Of all heads' values.</param>
internal sealed class LatentAttention(
    LatentConfig config, AttentionShape shape, RotaryTable? rotary, LatentQuery query, Projection latent, NormPart latentNorm, Projection sharedKey,
    Projection[] keys, Projection[] values, Projection output) : AttentionPart
{
    public override long ResidentBytes =>
        query.ResidentBytes + latent.ResidentBytes + latentNorm.ResidentBytes + sharedKey.ResidentBytes
        + keys.Sum(key => key.ResidentBytes) + values.Sum(value => value.ResidentBytes) + output.ResidentBytes;

    /// <summary>Geometry over the latent.</summary>
    public static AttentionShape ShapeOf(ModelConfig model, LatentConfig config) =>
        new(model.Heads, 1, config.RotaryDimension + config.KeyValueRank, model.AttentionScale ?? ScaleOf(config.PlainDimension + config.RotaryDimension))
        {
            ValueDimension = config.KeyValueRank,
            ValuesInKeys = true,
        };

    public override void Forward(
        KernelSet kernels, StackScratch scratch, ReadOnlySpan<float> input, ReadOnlySpan<AttentionStep> steps, int tokens, long pageOffset, Span<float> target)
    {
        LatentScratch own = scratch.Latent!;
        query.Apply(kernels, own, input, tokens);
        latent.Apply(kernels, input, tokens, own.Latent);
        latentNorm.Apply(kernels, own.Latent, tokens, own.Latent);
        sharedKey.Apply(kernels, input, tokens, own.SharedKey);
        JoinKeys(scratch, own, tokens);
        AbsorbKeys(kernels, scratch, own, tokens);
        kernels.AttendSteps(
            shape, steps, pageOffset, rotary, scratch.Queries.AsSpan(0, tokens * shape.QueryWidth), scratch.Keys.AsSpan(0, tokens * shape.KeyWidth),
            [], scratch.Attended.AsSpan(0, tokens * shape.OutputWidth));
        ExpandValues(kernels, scratch, own, tokens);
        output.AddTo(kernels, own.Heads, tokens, target);
    }

    public override void Dispose()
    {
        query.Dispose();
        latent.Dispose();
        sharedKey.Dispose();
        foreach (Projection projection in keys.Concat(values))
            projection.Dispose();
        output.Dispose();
    }

    private void JoinKeys(StackScratch scratch, LatentScratch own, int tokens)
    {
        int turned = config.RotaryDimension, rank = config.KeyValueRank;
        for (int token = 0; token < tokens; token++)
        {
            Span<float> key = scratch.Keys.AsSpan(token * shape.KeyWidth, shape.KeyWidth);
            own.SharedKey.AsSpan(token * turned, turned).CopyTo(key);
            own.Latent.AsSpan(token * rank, rank).CopyTo(key[turned..]);
        }
    }

    // queries [tokens, heads, rotary + rank] of heads [tokens, heads, plain + rotary].
    private void AbsorbKeys(KernelSet kernels, StackScratch scratch, LatentScratch own, int tokens)
    {
        int plain = config.PlainDimension, turned = config.RotaryDimension, rank = config.KeyValueRank, heads = keys.Length;
        for (int head = 0; head < heads; head++)
        {
            own.Groups[head] = keys[head].Grouped(tokens);
            for (int token = 0; token < tokens; token++)
                own.Heads.AsSpan((token * heads + head) * (plain + turned), plain).CopyTo(own.Read.AsSpan((head * tokens + token) * plain, plain));
        }

        kernels.MatMulGroups(own.Groups, own.Read.AsSpan(0, heads * tokens * plain), own.Given.AsSpan(0, heads * tokens * rank));
        for (int head = 0; head < heads; head++)
        {
            for (int token = 0; token < tokens; token++)
            {
                int index = token * heads + head;
                Span<float> joined = scratch.Queries.AsSpan(index * (turned + rank), turned + rank);
                own.Heads.AsSpan(index * (plain + turned) + plain, turned).CopyTo(joined);
                own.Given.AsSpan((head * tokens + token) * rank, rank).CopyTo(joined[turned..]);
            }
        }
    }

    // heads [tokens, heads, value] of attended [tokens, heads, rank].
    private void ExpandValues(KernelSet kernels, StackScratch scratch, LatentScratch own, int tokens)
    {
        int rank = config.KeyValueRank, value = config.ValueDimension, heads = values.Length;
        for (int head = 0; head < heads; head++)
        {
            own.Groups[head] = values[head].Grouped(tokens);
            for (int token = 0; token < tokens; token++)
                scratch.Attended.AsSpan((token * heads + head) * rank, rank).CopyTo(own.Read.AsSpan((head * tokens + token) * rank, rank));
        }

        kernels.MatMulGroups(own.Groups, own.Read.AsSpan(0, heads * tokens * rank), own.Given.AsSpan(0, heads * tokens * value));
        for (int head = 0; head < heads; head++)
        {
            for (int token = 0; token < tokens; token++)
                own.Given.AsSpan((head * tokens + token) * value, value).CopyTo(own.Heads.AsSpan((token * heads + head) * value, value));
        }
    }
}
