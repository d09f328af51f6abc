namespace Swarm.Kernels;

/// <summary>What a router makes of an expert's logit.</summary>
public enum RouterScores
{
    /// <summary>Softmax over the chosen experts' logits; the choice is by logits. The same as a softmax over all whose chosen values are divided by their sum.</summary>
    SoftmaxOfChosen,

    /// <summary>Softmax over all experts' logits; the chosen values stay as they are.</summary>
    Softmax,

    /// <summary>Sigmoid of each logit.</summary>
    Sigmoid,
}
