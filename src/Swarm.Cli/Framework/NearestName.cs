namespace Swarm.Cli.Framework;

/// <summary>Finds what a mistyped word was meant to be.</summary>
internal static class NearestName
{
    /// <summary>The candidate at the least edit distance; the first in ordinal order among equals.</summary>
    public static string? Of(string word, IEnumerable<string> candidates) => candidates
        .OrderBy(candidate => Distance(word.ToLowerInvariant(), candidate.ToLowerInvariant()))
        .ThenBy(candidate => candidate, StringComparer.Ordinal)
        .FirstOrDefault();

    /// <summary>Edits that turn one word into the other: insert, delete, replace, swap neighbours.</summary>
    internal static int Distance(string a, string b)
    {
        // Words of a command line are short; a pasted text must not cost its square.
        if (a.Length > 64)
            a = a[..64];
        int[,] d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            d[i, 0] = i;
        for (int j = 0; j <= b.Length; j++)
            d[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = a[i - 1] == b[j - 1] ? 0 : 1;
                int best = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    best = Math.Min(best, d[i - 2, j - 2] + 1);
                d[i, j] = best;
            }
        }

        return d[a.Length, b.Length];
    }
}
