namespace Swarm.Models;

/// <summary>Whose names a model's tensors bear.</summary>
public enum TensorNaming : byte
{
    /// <summary>Checkpoints of transformers: <c>model.layers.0.self_attn.q_proj.weight</c>.</summary>
    HuggingFace,

    /// <summary>GGUF files: <c>blk.0.attn_q.weight</c>.</summary>
    Gguf,
}
