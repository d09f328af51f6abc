using Swarm.Kernels;
using Swarm.Models.Blocks;

namespace Swarm.Models.Families;

/// <summary>Rotary parameters of config.json: <c>rope_parameters</c>, or the older <c>rope_theta</c> with <c>rope_scaling</c>.</summary>
internal static class HuggingFaceRotary
{
    private const string Kinds = "default, linear, dynamic, llama3, yarn or longrope";

    /// <summary>The rotary embedding of a model that has one.</summary>
    /// <param name="fields">config.json.</param>
    /// <param name="headDimension">Values of a head.</param>
    /// <param name="context">Positions that the model is said to reach.</param>
    /// <param name="partialName">Older name of the share of a head that turns.</param>
    /// <param name="thetaName">Older name of the base.</param>
    /// <param name="theta">The base where none is named.</param>
    public static RotaryConfig Read(
        JsonFields fields, int headDimension, int context, string partialName = "partial_rotary_factor", string thetaName = "rope_theta", float theta = 10_000)
    {
        JsonFields? parameters = fields.Object("rope_parameters");
        theta = fields.Number(thetaName, 1, 1e12f, theta);
        float partial = fields.Number(partialName, 0, 1, 1);
        return Read(fields, parameters, parameters ?? fields.Object("rope_scaling"), headDimension, context, theta, partial);
    }

    /// <summary>The same of one of several kinds of blocks, whose parameters have an object of their own.</summary>
    public static RotaryConfig ReadOwn(JsonFields fields, JsonFields parameters, int headDimension, int context, float theta) =>
        Read(fields, parameters, parameters, headDimension, context, theta, 1);

    private static RotaryConfig Read(
        JsonFields fields, JsonFields? parameters, JsonFields? scaling, int headDimension, int context, float theta, float partial)
    {
        if (parameters is { } own)
        {
            theta = own.Number("rope_theta", 1, 1e12f, theta);
            partial = own.Number("partial_rotary_factor", 0, 1, partial);
        }

        var rotary = new RotaryConfig
        {
            Theta = theta,
            Layout = RotaryLayout.HalfSplit,
            Dimension = (int)(headDimension * partial),
        };
        if (scaling is not { } found)
            return rotary;

        // "type" is the older name of "rope_type".
        string kind = found.Has("rope_type") ? found.Text("rope_type") : found.Text("type", "default");
        return kind switch
        {
            "default" => rotary,

            // The base grows only beyond the context that the model names, and no session goes there.
            "dynamic" => rotary,
            "linear" => rotary with { Scaling = RotaryScaling.Linear, Factor = found.Number("factor", 1e-6f, 1e6f) },
            "llama3" => ReadLlama3(rotary, found, context),
            "yarn" => ReadYarn(rotary, fields, found, context),

            // Phi-3's first files call it su.
            "longrope" or "su" => ReadLongRope(rotary, fields, found, context),
            _ => throw new ModelException(ModelError.UnsupportedModel, $"{found.Path}: rope_type {kind}, expected {Kinds}"),
        };
    }

    private static RotaryConfig ReadLlama3(RotaryConfig rotary, JsonFields fields, int context)
    {
        float low = fields.Number("low_freq_factor", 1e-6f, 1e6f);
        float high = fields.Number("high_freq_factor", 1e-6f, 1e6f);
        if (high <= low)
            throw new ModelException(ModelError.CorruptModel, $"{fields.Path}: high_freq_factor = {high}, expected more than low_freq_factor = {low}");
        return rotary with
        {
            Scaling = RotaryScaling.Llama3,
            Factor = fields.Number("factor", 1e-6f, 1e6f),
            LowFrequencyFactor = low,
            HighFrequencyFactor = high,
            OriginalContext = fields.Integer("original_max_position_embeddings", 1, ConfigLimits.Context, context),
        };
    }

    private static RotaryConfig ReadYarn(RotaryConfig rotary, JsonFields fields, JsonFields own, int context)
    {
        int original = own.Integer("original_max_position_embeddings", 1, ConfigLimits.Context, fields.Integer("original_max_position_embeddings", 1, ConfigLimits.Context, context));
        float factor = own.Number("factor", 1e-6f, 1e6f, (float)context / original);
        float m = own.Number("mscale", 0, 1e3f, 0), all = own.Number("mscale_all_dim", 0, 1e3f, 0);
        float magnitude = m != 0 && all != 0
            ? RotaryFrequencies.YarnMagnitude(factor, m) / RotaryFrequencies.YarnMagnitude(factor, all)
            : RotaryFrequencies.YarnMagnitude(factor);
        return rotary with
        {
            Scaling = RotaryScaling.Yarn,
            Factor = factor,
            OriginalContext = original,
            BetaFast = own.Number("beta_fast", 1e-3f, 1e6f, 32),
            BetaSlow = own.Number("beta_slow", 1e-3f, 1e6f, 1),
            Truncates = own.Flag("truncate", true),
            Magnitude = own.Number("attention_factor", 1e-6f, 1e6f, magnitude),
        };
    }

    // Positions beyond the original context have other factors for the whole text: a session ends there, so that no step depends on what follows.
    private static RotaryConfig ReadLongRope(RotaryConfig rotary, JsonFields fields, JsonFields own, int context)
    {
        int original = own.Integer("original_max_position_embeddings", 1, ConfigLimits.Context, fields.Integer("original_max_position_embeddings", 1, ConfigLimits.Context, context));
        float factor = own.Number("factor", 1e-6f, 1e6f, (float)context / original);
        float magnitude = factor <= 1 ? 1 : (float)Math.Sqrt(1 + (HostMath.Log(factor) / HostMath.Log(original)));
        float[] factors = own.Numbers("short_factor", rotary.Dimension / 2, 1e-6f, 1e6f);
        return rotary with
        {
            Scaling = RotaryScaling.Factors,
            Factors = factors,
            OriginalContext = original,
            Magnitude = own.Number("attention_factor", 1e-6f, 1e6f, magnitude),
        };
    }
}
