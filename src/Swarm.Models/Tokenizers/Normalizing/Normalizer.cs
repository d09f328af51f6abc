namespace Swarm.Models.Tokenizers.Normalizing;

/// <summary>One step that changes a text before added tokens of the normalized kind and pieces are looked for.</summary>
internal abstract class Normalizer
{
    public abstract string Apply(string text);
}
