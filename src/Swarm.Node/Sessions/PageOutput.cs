using Swarm.Models.Blocks;
using Swarm.Protocol.Links;

namespace Swarm.Node.Sessions;

/// <summary>
/// What a shared page's positions gave: the rows that went on to the next hop, as encoded, and with swarm ends the token ids. A session that skips the page takes copies, so that it can feed
/// whoever takes the next hop's place as if it had computed them.
/// </summary>
/// <param name="rows">The rows; null at the last hop. Taken over.</param>
/// <param name="ids">One for each position; none with local ends.</param>
internal sealed class PageOutput(NativeBytes? rows, int[] ids) : IPageCompanion
{
    public ReadOnlySpan<byte> Rows => rows is null ? [] : rows.Span;

    public ReadOnlySpan<int> Ids => ids;

    public long Bytes => (rows?.Length ?? 0) + (sizeof(int) * ids.Length);

    public void Dispose() => rows?.Dispose();
}
