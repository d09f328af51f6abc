using System.Text;

namespace Swarm.Models.Tokenizers.Normalizing;

internal sealed class LowercaseNormalizer : Normalizer
{
    public override string Apply(string text)
    {
        var builder = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            // U+0130 is the one character whose lower case is two.
            if (rune.Value == 0x130)
                builder.Append("i\u0307");
            else
                builder.Append(Rune.ToLowerInvariant(rune));
        }

        return builder.ToString();
    }
}
