namespace Swarm.Models.Tokenizers.Normalizing;

internal sealed class PrependNormalizer(string prefix) : Normalizer
{
    public override string Apply(string text) => text.Length == 0 ? text : prefix + text;
}
