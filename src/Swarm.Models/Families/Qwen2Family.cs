using Swarm.Kernels;

namespace Swarm.Models.Families;

/// <summary>
/// Qwen2 and Qwen2.5 (arXiv 2407.10671): Llama with biases on queries, keys and values, whatever the configuration says of biases, and a window in the upper blocks where
/// one is used.
/// </summary>
internal class Qwen2Family : LlamaFamily
{
    public override string Name => "qwen2";

    public override IReadOnlyList<string> HuggingFaceTypes => ["qwen2"];

    public override IReadOnlyList<string> GgufArchitectures => ["qwen2"];

    protected override RotaryLayout GgufLayout => RotaryLayout.HalfSplit;

    public override ModelConfig ReadHuggingFace(JsonFields fields, JsonFields? generation) =>
        base.ReadHuggingFace(fields, generation) with { AttentionBias = true, AttentionOutputBias = false };

    protected override ModelConfig ReadWindow(ModelConfig config, JsonFields fields)
    {
        int lower = fields.Integer("max_window_layers", 0, int.MaxValue, 0);
        return HuggingFaceWindow.Read(config, fields, block => block >= lower);
    }
}
