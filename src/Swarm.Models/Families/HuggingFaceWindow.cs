namespace Swarm.Models.Families;

/// <summary>The attention window of config.json, and which blocks have it.</summary>
internal static class HuggingFaceWindow
{
    /// <summary>Adds window and windowed blocks to a configuration.</summary>
    /// <param name="config">Without a window.</param>
    /// <param name="fields">config.json.</param>
    /// <param name="windowed">Which blocks have it where <c>layer_types</c> does not say.</param>
    public static ModelConfig Read(ModelConfig config, JsonFields fields, Func<int, bool> windowed)
    {
        string[]? kinds = fields.Words("layer_types");
        if (kinds is not null && kinds.Length != config.Blocks)
            throw new ModelException(ModelError.CorruptModel, $"{fields.Path}: layer_types names {kinds.Length} blocks, expected {config.Blocks}");
        if (kinds?.FirstOrDefault(kind => kind is not ("full_attention" or "sliding_attention")) is { } strange)
            throw new ModelException(ModelError.UnsupportedModel, $"{fields.Path}: layer_types has {strange}, expected full_attention or sliding_attention");

        // Qwen names a window and says apart whether it is used.
        if (!fields.Has("sliding_window") || !fields.Flag("use_sliding_window", true))
        {
            return kinds?.Contains("sliding_attention") != true
                ? config
                : throw new ModelException(ModelError.CorruptModel, $"{fields.Path}: layer_types has sliding_attention, expected a sliding_window that is used");
        }

        int window = fields.Integer("sliding_window", 1, int.MaxValue);
        bool[] blocks = [.. Enumerable.Range(0, config.Blocks).Select(block => kinds is null ? windowed(block) : kinds[block] == "sliding_attention")];
        return Add(config, window, blocks);
    }

    /// <summary>A window that reaches no less than the context is none, unless its blocks turn otherwise.</summary>
    public static ModelConfig Add(ModelConfig config, int window, bool[] blocks)
    {
        if (!blocks.Contains(true) || (window >= config.Context && config.WindowRotary is null))
            return config;
        return config with { Window = Math.Min(window, config.Context), WindowedBlocks = blocks.Contains(false) ? blocks : [] };
    }
}
