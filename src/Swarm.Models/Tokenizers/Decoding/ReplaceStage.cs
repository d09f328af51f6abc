using Swarm.Models.Tokenizers.Normalizing;

namespace Swarm.Models.Tokenizers.Decoding;

/// <summary>Replaces inside each token.</summary>
internal sealed class ReplaceStage(ReplaceNormalizer replace) : DecodeStage
{
    public override void Push(string token) => Emit(replace.Apply(token));
}
