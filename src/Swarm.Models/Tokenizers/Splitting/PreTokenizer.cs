namespace Swarm.Models.Tokenizers.Splitting;

/// <summary>One step that cuts a text (or rewrites it) before the model sees it.</summary>
internal abstract class PreTokenizer
{
    public abstract void Apply(Pieces pieces);
}
