using Swarm.Models.Blocks;
using Swarm.Protocol.Links;

namespace Swarm.Node.Sessions;

/// <summary>
/// What a shared page's positions gave: the rows that went on to the next hop, as encoded, and with swarm ends the token ids. A session that skips them takes copies, so that it can feed
/// whoever takes the next hop's place as if it had computed them.
/// </summary>
/// <param name="rows">The rows; null at the last hop. Taken over.</param>
/// <param name="format">How they lie.</param>
/// <param name="ids">One for each position; none with local ends.</param>
internal sealed class PageOutput(NativeBytes? rows, RowFormat format, int[] ids) : IPageCompanion
{
    public long Bytes => (rows?.Length ?? 0) + (sizeof(int) * ids.Length);

    /// <summary>The first rows.</summary>
    public ReadOnlySpan<byte> Rows(int count)
    {
        if (rows is null)
            return [];
        ReadOnlySpan<byte> all = rows.Span;
        int bytes = 0;
        for (int row = 0; row < count; row++)
            bytes += format.First(all[bytes..]);
        return all[..bytes];
    }

    /// <summary>The first ids.</summary>
    public ReadOnlySpan<int> Ids(int count) => ids.AsSpan(0, Math.Min(count, ids.Length));

    public void Dispose() => rows?.Dispose();
}
