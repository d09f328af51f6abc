using System.Text.Json;
using Swarm.Models.Files;

namespace Swarm.Models.Families;

/// <summary>
/// Gemma 3 (arXiv 2503.19786), its text part: Gemma 2 without caps, with norms of each head's queries and keys, five blocks with a window to one without, and a rotary
/// embedding of their own for those with a window.
/// </summary>
internal sealed class Gemma3Family : Gemma2Family
{
    private const int Blocks27B = 62;
    private const float Theta = 1_000_000;
    private const float WindowTheta = 10_000;
    private const int Pattern = 6;

    // What text_config leaves out in checkpoints that also see.
    private static readonly JsonElement TextDefaults = JsonDocument.Parse("""
        {"vocab_size":262208,"hidden_size":2304,"intermediate_size":9216,"num_hidden_layers":26,"num_attention_heads":8,"num_key_value_heads":4,"head_dim":256,
         "max_position_embeddings":131072,"sliding_window":4096,"query_pre_attn_scalar":256,"bos_token_id":2,"eos_token_id":1}
        """).RootElement;

    private static readonly Dictionary<TensorRole, (string HuggingFace, string Gguf)> Names = new(Gemma2Names)
    {
        [TensorRole.QueryNorm] = ("model.layers.{0}.self_attn.q_norm.weight", "blk.{0}.attn_q_norm.weight"),
        [TensorRole.KeyNorm] = ("model.layers.{0}.self_attn.k_norm.weight", "blk.{0}.attn_k_norm.weight"),
    };

    public override string Name => "gemma3";

    public override IReadOnlyList<string> HuggingFaceTypes => ["gemma3_text", "gemma3"];

    public override IReadOnlyList<string> GgufArchitectures => ["gemma3"];

    protected override IReadOnlyDictionary<TensorRole, (string HuggingFace, string Gguf)> TensorNames => Names;

    /// <summary>Checkpoints that also see have the text part under a name of its own.</summary>
    protected override IReadOnlyList<(string Usual, string Other)> OtherPrefixes => [("model.", "language_model.model."), ("model.", "model.language_model.")];

    protected override int BlocksOfOtherScale => Blocks27B;

    protected override (float Attention, float Logits) DefaultSoftCaps => (0, 0);

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation)
    {
        if (fields.Object("text_config") is { } text)
            fields = text.With(fields).With(TextDefaults);
        return base.ReadHuggingFace(fields, generation) with { QueryKeyNorm = QueryKeyNorm.Head };
    }

    public override ModelConfig ReadGguf(GgufFields fields, ITensorStore tensors) =>
        base.ReadGguf(fields, tensors) with { QueryKeyNorm = QueryKeyNorm.Head };

    protected override ModelConfig ReadRotary(ModelConfig config, JsonFields fields)
    {
        JsonFields? own = fields.Object("rope_parameters");
        if (own?.Object("full_attention") is { } full && own.Value.Object("sliding_attention") is { } sliding)
        {
            return config with
            {
                Rotary = HuggingFaceRotary.ReadOwn(fields, full, config.HeadDimension, config.Context, Theta),
                WindowRotary = HuggingFaceRotary.ReadOwn(fields, sliding, config.HeadDimension, config.Context, WindowTheta),
            };
        }

        RotaryConfig rotary = HuggingFaceRotary.Read(fields, config.HeadDimension, config.Context, theta: Theta);
        return config with { Rotary = rotary, WindowRotary = ForWindow(rotary, fields.Number("rope_local_base_freq", 1, 1e12f, WindowTheta)) };
    }

    protected override ModelConfig ReadRotary(ModelConfig config, GgufFields fields)
    {
        RotaryConfig rotary = fields.Has("rope.freq_base") ? config.Rotary : config.Rotary with { Theta = Theta };
        return config with { Rotary = rotary, WindowRotary = ForWindow(rotary, fields.Number("rope.freq_base_swa", 1, 1e12f, WindowTheta)) };
    }

    protected override ModelConfig ReadWindow(ModelConfig config, JsonFields fields)
    {
        int pattern = fields.Integer(fields.First(["sliding_window_pattern", "_sliding_window_pattern"]), 1, ConfigLimits.Blocks, Pattern);
        return HuggingFaceWindow.Read(config, fields, block => (block + 1) % pattern != 0);
    }

    protected override bool WindowedInGguf(int block) => (block + 1) % Pattern != 0;

    private static RotaryConfig ForWindow(RotaryConfig rotary, float theta) =>
        new() { Theta = theta, Layout = rotary.Layout, Dimension = rotary.Dimension };
}
