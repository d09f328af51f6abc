using Swarm.Kernels.Codecs;

namespace Swarm.Node.Sessions;

/// <summary>Bytes of the first of some rows; 0 where none begins.</summary>
internal delegate int RowLength(ReadOnlySpan<byte> rows);

/// <summary>How rows lie one behind the other.</summary>
/// <param name="MostBytes">The longest that a row can be.</param>
/// <param name="First">Tells a row's length from its beginning.</param>
internal readonly record struct RowFormat(int MostBytes, RowLength First)
{
    /// <summary>Rows of hidden states as a codec writes them.</summary>
    public static RowFormat Of(ActivationCodec codec, int hidden) =>
        new(codec.MaxEncodedBytes(1, hidden), rows => codec.RowBytes(rows, hidden));

    /// <summary>Rows in so many bytes.</summary>
    /// <exception cref="ArgumentException">They do not end with a row.</exception>
    public int Count(ReadOnlySpan<byte> rows)
    {
        int count = 0;
        for (int at = 0; at < rows.Length; count++)
        {
            int bytes = First(rows[at..]);
            if (bytes < 1 || bytes > rows.Length - at)
                throw new ArgumentException($"{rows.Length - at} bytes from row {count} on, expected whole rows; this one has {bytes}", nameof(rows));
            at += bytes;
        }

        return count;
    }
}
