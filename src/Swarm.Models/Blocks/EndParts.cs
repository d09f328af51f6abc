namespace Swarm.Models.Blocks;

/// <summary>Which of a model's two ends.</summary>
[Flags]
public enum EndParts
{
    None = 0,

    /// <summary>The embedding: token ids to hidden states.</summary>
    Embedding = 1,

    /// <summary>The final norm and the head: hidden states to logits.</summary>
    Head = 2,

    Both = Embedding | Head,
}
