using System.Text;

namespace Swarm.Models.Tokenizers.Patterns;

/// <summary>Simple case folding of single code points; a fold to several characters is not made.</summary>
internal static class CaseFolding
{
    public static int Fold(int codePoint) => codePoint switch
    {
        // The runtime's invariant casing keeps characters that fold into ASCII apart.
        0x017F => 's',
        0x212A => 'k',
        0x212B => 0xE5,
        _ when !Rune.IsValid(codePoint) => codePoint,
        _ => Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(codePoint))).Value,
    };

    /// <summary>Code points that fold to <paramref name="folded"/>, itself among them.</summary>
    public static int[] Unfold(int folded)
    {
        if (!Rune.IsValid(folded))
            return [folded];
        int upper = Rune.ToUpperInvariant(new Rune(folded)).Value;
        return folded switch
        {
            's' => [folded, upper, 0x017F],
            'k' => [folded, upper, 0x212A],
            0xE5 => [folded, upper, 0x212B],
            _ => [folded, upper],
        };
    }
}
