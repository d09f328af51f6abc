using System.Globalization;

namespace Swarm.Models.Tokenizers.Patterns;

/// <summary>
/// A set of code points: ranges, general categories and other sets joined, then perhaps intersected, folded and negated. ASCII is a bitmap.
/// </summary>
internal sealed class CodePointSet
{
    public static readonly CodePointSet Digit = OfCategories(Mask(UnicodeCategory.DecimalDigitNumber));
    public static readonly CodePointSet Number = OfCategories(
        Mask(UnicodeCategory.DecimalDigitNumber) | Mask(UnicodeCategory.LetterNumber) | Mask(UnicodeCategory.OtherNumber));
    public static readonly CodePointSet Word = OfCategories(
        LetterMask | MarkMask | Mask(UnicodeCategory.DecimalDigitNumber) | Mask(UnicodeCategory.ConnectorPunctuation));
    public static readonly CodePointSet Punctuation = OfCategories(PunctuationMask);
    public static readonly CodePointSet Space = OfRanges(
        [(0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)]);
    public static readonly CodePointSet Any = OfRanges([(0, 0x10FFFF)]);
    public static readonly CodePointSet NotLineFeed = OfRanges([(0, 9), (11, 0x10FFFF)]);

    /// <summary>The script property Han, which the runtime's tables do not hold (Unicode 15.1, Scripts.txt).</summary>
    public static readonly CodePointSet Han = OfRanges(
        [(0x2E80, 0x2E99), (0x2E9B, 0x2EF3), (0x2F00, 0x2FD5), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF),
         (0x4E00, 0x9FFF), (0xF900, 0xFA6D), (0xFA70, 0xFAD9), (0x16FE2, 0x16FE3), (0x16FF0, 0x16FF1), (0x20000, 0x2A6DF), (0x2A700, 0x2B739),
         (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1), (0x2CEB0, 0x2EBE0), (0x2EBF0, 0x2EE5D), (0x2F800, 0x2FA1D), (0x30000, 0x3134A), (0x31350, 0x323AF)]);

    public const uint LetterMask = (1u << (int)UnicodeCategory.UppercaseLetter) | (1u << (int)UnicodeCategory.LowercaseLetter)
        | (1u << (int)UnicodeCategory.TitlecaseLetter) | (1u << (int)UnicodeCategory.ModifierLetter) | (1u << (int)UnicodeCategory.OtherLetter);
    public const uint MarkMask = (1u << (int)UnicodeCategory.NonSpacingMark) | (1u << (int)UnicodeCategory.SpacingCombiningMark)
        | (1u << (int)UnicodeCategory.EnclosingMark);
    public const uint PunctuationMask = (1u << (int)UnicodeCategory.ConnectorPunctuation) | (1u << (int)UnicodeCategory.DashPunctuation)
        | (1u << (int)UnicodeCategory.OpenPunctuation) | (1u << (int)UnicodeCategory.ClosePunctuation) | (1u << (int)UnicodeCategory.InitialQuotePunctuation)
        | (1u << (int)UnicodeCategory.FinalQuotePunctuation) | (1u << (int)UnicodeCategory.OtherPunctuation);

    private readonly (int First, int Last)[] _ranges;
    private readonly uint _categories;
    private readonly CodePointSet[] _members;
    private readonly CodePointSet? _intersection;
    private readonly bool _fold;
    private readonly bool _negated;
    private readonly ulong _asciiLow;
    private readonly ulong _asciiHigh;

    public CodePointSet(
        IEnumerable<(int First, int Last)> ranges, uint categories, IEnumerable<CodePointSet> members, CodePointSet? intersection = null, bool fold = false, bool negated = false)
    {
        _ranges = [.. ranges.OrderBy(r => r.First)];
        _categories = categories;
        _members = [.. members];
        _intersection = intersection;
        _fold = fold;
        _negated = negated;
        for (int c = 0; c < 128; c++)
        {
            if (!Evaluate(c))
                continue;
            if (c < 64)
                _asciiLow |= 1ul << c;
            else
                _asciiHigh |= 1ul << (c - 64);
        }
    }

    public static uint Mask(UnicodeCategory category) => 1u << (int)category;

    public static CodePointSet OfCategories(uint mask, bool negated = false) => new([], mask, [], negated: negated);

    public static CodePointSet OfRanges((int First, int Last)[] ranges) => new(ranges, 0, []);

    public static CodePointSet Of(int codePoint, bool fold = false) => new([(codePoint, codePoint)], 0, [], fold: fold);

    public static CodePointSet Not(CodePointSet set) => new([], 0, [set], negated: true);

    /// <summary>White space of the basic plane; no white space lies beyond it.</summary>
    public static bool IsWhiteSpace(char c) => Space.Contains(c);

    public bool Contains(int codePoint) => codePoint < 64 ? (_asciiLow >> codePoint & 1) != 0
        : codePoint < 128 ? (_asciiHigh >> (codePoint - 64) & 1) != 0
        : Evaluate(codePoint);

    private bool Evaluate(int codePoint)
    {
        bool inside = Union(codePoint);
        if (!inside && _fold)
        {
            int folded = CaseFolding.Fold(codePoint);
            foreach (int other in CaseFolding.Unfold(folded))
                inside |= Union(other);
        }

        if (inside && _intersection is not null)
            inside = _intersection.Contains(codePoint);
        return inside != _negated;
    }

    private bool Union(int codePoint)
    {
        if (_categories != 0 && (_categories >> (int)CharUnicodeInfo.GetUnicodeCategory(codePoint) & 1) != 0)
            return true;
        foreach ((int first, int last) in _ranges)
        {
            if (codePoint < first)
                break;
            if (codePoint <= last)
                return true;
        }

        foreach (CodePointSet member in _members)
            if (member.Contains(codePoint))
                return true;
        return false;
    }
}
