using System.Globalization;

namespace Swarm.Models.Families;

/// <summary>Names of tensors with {0} for the block and perhaps {1} for the expert after it.</summary>
internal static class NamePattern
{
    /// <summary>The block in a name; null where it is not of the pattern.</summary>
    public static int? BlockOf(string pattern, ReadOnlySpan<char> name)
    {
        int hole = pattern.IndexOf("{0}", StringComparison.Ordinal);
        if (hole < 0 || !name.StartsWith(pattern.AsSpan(0, hole), StringComparison.Ordinal))
            return null;
        name = name[hole..];
        if (TakeNumber(ref name) is not { } block)
            return null;
        ReadOnlySpan<char> rest = pattern.AsSpan(hole + 3);
        int expert = rest.IndexOf("{1}", StringComparison.Ordinal);
        if (expert < 0)
            return name.SequenceEqual(rest) ? block : null;
        if (!name.StartsWith(rest[..expert], StringComparison.Ordinal))
            return null;
        name = name[expert..];
        return TakeNumber(ref name) is not null && name.SequenceEqual(rest[(expert + 3)..]) ? block : null;
    }

    private static int? TakeNumber(ref ReadOnlySpan<char> name)
    {
        int digits = 0;
        while (digits < name.Length && char.IsAsciiDigit(name[digits]))
            digits++;
        if (!int.TryParse(name[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return null;
        name = name[digits..];
        return number;
    }
}
