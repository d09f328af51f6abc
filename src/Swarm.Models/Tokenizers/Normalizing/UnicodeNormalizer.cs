using System.Text;

namespace Swarm.Models.Tokenizers.Normalizing;

/// <summary>The normalization forms of Unicode (UAX #15, sections 1.3 and 9; Hangul: The Unicode Standard 15, section 3.12).</summary>
internal sealed class UnicodeNormalizer(UnicodeForm form) : Normalizer
{
    private const int HangulFirst = 0xAC00, LeadFirst = 0x1100, VowelFirst = 0x1161, TailBefore = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TailCount = 28;
    private const int HangulCount = LeadCount * VowelCount * TailCount;

    private readonly bool _compatible = form is UnicodeForm.Nfkc or UnicodeForm.Nfkd;
    private readonly bool _composes = form is UnicodeForm.Nfc or UnicodeForm.Nfkc;

    public override string Apply(string text)
    {
        // Below these characters a text is already normalized.
        char sure = form switch { UnicodeForm.Nfc => '\u0300', UnicodeForm.Nfd => '\u00C0', _ => '\u00A0' };
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', (char)(sure - 1)))
            return text;
        List<int> codes = Decompose(text);
        Reorder(codes);
        if (_composes)
            Compose(codes);
        var builder = new StringBuilder(text.Length);
        foreach (int code in codes)
            builder.Append(new Rune(code));
        return builder.ToString();
    }

    private List<int> Decompose(string text)
    {
        var codes = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            int code = rune.Value;
            int syllable = code - HangulFirst;
            if ((uint)syllable < HangulCount)
            {
                codes.Add(LeadFirst + (syllable / (VowelCount * TailCount)));
                codes.Add(VowelFirst + (syllable / TailCount % VowelCount));
                if (syllable % TailCount != 0)
                    codes.Add(TailBefore + (syllable % TailCount));
            }
            else if (code >= 0xA0 && UnicodeTables.Instance.Decomposition(code, _compatible) is { } parts)
            {
                codes.AddRange(parts);
            }
            else
            {
                codes.Add(code);
            }
        }

        return codes;
    }

    /// <summary>Sorts every run of combining characters by class, keeping the order of equal ones.</summary>
    private static void Reorder(List<int> codes)
    {
        for (int i = 0; i < codes.Count;)
        {
            if (UnicodeTables.Instance.Class(codes[i]) == 0)
            {
                i++;
                continue;
            }

            int end = i;
            while (end < codes.Count && UnicodeTables.Instance.Class(codes[end]) != 0)
                end++;
            int[] sorted = [.. codes.GetRange(i, end - i).OrderBy(UnicodeTables.Instance.Class)];
            for (int j = i; j < end; j++)
                codes[j] = sorted[j - i];
            i = end;
        }
    }

    private static void Compose(List<int> codes)
    {
        int starter = -1, write = 0, lastClass = 0;
        for (int read = 0; read < codes.Count; read++)
        {
            int code = codes[read];
            int cls = UnicodeTables.Instance.Class(code);

            // Blocked: something between the starter and this has the same class or a higher one; next to the starter nothing blocks.
            bool open = starter >= 0 && (write == starter + 1 || (lastClass < cls && lastClass != 0));
            if (open && Pair(codes[starter], code) is >= 0 and int composite)
            {
                codes[starter] = composite;
                continue;
            }

            if (cls == 0)
                starter = write;
            lastClass = cls;
            codes[write++] = code;
        }

        codes.RemoveRange(write, codes.Count - write);
    }

    private static int Pair(int first, int second)
    {
        if ((uint)(first - LeadFirst) < LeadCount && (uint)(second - VowelFirst) < VowelCount)
            return HangulFirst + ((((first - LeadFirst) * VowelCount) + second - VowelFirst) * TailCount);
        if ((uint)(first - HangulFirst) < HangulCount && (first - HangulFirst) % TailCount == 0 && second > TailBefore && second < TailBefore + TailCount)
            return first + second - TailBefore;
        return UnicodeTables.Instance.Composite(first, second);
    }
}
