namespace Swarm.Client;

/// <summary>Who holds the model's two ends: the embedding, and the final norm with the head.</summary>
public enum EndsMode
{
    /// <summary>This process. Hidden states travel; logits are there for whoever wants them.</summary>
    Local,

    /// <summary>
    /// The nodes, for clients that are to be thin: the first embeds, the last chooses the next token. Only token ids travel, and the model's weights are not read here.
    /// The first node sees the prompt, the last one what is chosen.
    /// </summary>
    Swarm,
}
