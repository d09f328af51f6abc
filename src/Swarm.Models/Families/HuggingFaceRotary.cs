using Swarm.Kernels;

namespace Swarm.Models.Families;

/// <summary>Rotary parameters of config.json: <c>rope_parameters</c>, or the older <c>rope_theta</c> with <c>rope_scaling</c>.</summary>
internal static class HuggingFaceRotary
{
    public static RotaryConfig Read(JsonFields fields, int headDimension, int context)
    {
        JsonFields? parameters = fields.Object("rope_parameters");
        JsonFields? scaling = parameters ?? fields.Object("rope_scaling");
        float theta = fields.Number("rope_theta", 1, 1e12f, 10_000);
        if (parameters is { } own)
            theta = own.Number("rope_theta", 1, 1e12f, theta);
        float partial = fields.Number("partial_rotary_factor", 0, 1, 1);
        if (parameters is { } ownPartial)
            partial = ownPartial.Number("partial_rotary_factor", 0, 1, partial);
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
            "linear" => rotary with { Scaling = RotaryScaling.Linear, Factor = found.Number("factor", 1e-6f, 1e6f) },
            "llama3" => ReadLlama3(rotary, found, context),
            _ => throw new ModelException(ModelError.UnsupportedModel, $"{found.Path}: rope_type {kind}, expected default, linear or llama3"),
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
}
