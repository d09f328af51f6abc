namespace Swarm.Hub;

/// <summary>How far two names are from each other, for messages that tell the nearest.</summary>
internal static class Nearness
{
    /// <summary>Letters to insert, delete or replace, whatever their case; names are cut at 64 letters.</summary>
    public static int Distance(string from, string to)
    {
        from = from[..Math.Min(64, from.Length)].ToUpperInvariant();
        to = to[..Math.Min(64, to.Length)].ToUpperInvariant();
        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int corner = row[0];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, corner + (from[i - 1] == to[j - 1] ? 0 : 1));
                corner = above;
            }
        }

        return row[^1];
    }
}
