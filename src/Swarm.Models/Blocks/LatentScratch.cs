using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>Memory between the operations of latent attention, for passes of so many tokens.</summary>
internal sealed class LatentScratch(ModelConfig config, LatentConfig latent, int tokens)
{
    /// <summary>[tokens, query rank]; empty where queries are made of the hidden state.</summary>
    public float[] QueryLatent { get; } = new float[tokens * latent.QueryRank];

    /// <summary>[tokens, heads, plain + rotary], as the model has them; then [tokens, heads, value], what the output map reads.</summary>
    public float[] Heads { get; } = new float[tokens * config.Heads * Math.Max(latent.PlainDimension + latent.RotaryDimension, latent.ValueDimension)];

    /// <summary>[tokens, rank]: the latent of keys and values.</summary>
    public float[] Latent { get; } = new float[tokens * latent.KeyValueRank];

    /// <summary>[tokens, rotary]: the key that all heads share.</summary>
    public float[] SharedKey { get; } = new float[tokens * latent.RotaryDimension];

    /// <summary>[heads, tokens, …]: what the heads' own maps read.</summary>
    public float[] Read { get; } = new float[tokens * config.Heads * Math.Max(latent.PlainDimension, latent.KeyValueRank)];

    /// <summary>[heads, tokens, …]: what they give.</summary>
    public float[] Given { get; } = new float[tokens * config.Heads * Math.Max(latent.KeyValueRank, latent.ValueDimension)];

    /// <summary>One a head.</summary>
    public GroupedProduct[] Groups { get; } = new GroupedProduct[config.Heads];
}
