using Google.Protobuf;
using Google.Protobuf.Collections;
using Swarm.Node.Metrics;
using Swarm.Protocol;
using Swarm.Protocol.Links;

namespace Swarm.Node.Sessions;

/// <summary>Sessions begin with pages that an earlier session of their client left, and leave their own to be found. The compute loop's, between passes.</summary>
internal static class PageSharing
{
    private const int PagePositions = ChainLimits.PagePositions;

    /// <summary>Begins a session with the pages that this hop has under the first of the names, and shortens these to them.</summary>
    public static void Begin(NodeSession session, RepeatedField<ByteString> labels)
    {
        // What was promised to the session holds them as well.
        int most = Math.Min(labels.Count, session.Plan.ExpectedPositions / PagePositions);
        var keys = new UInt128[most];
        for (int page = 0; page < most; page++)
            keys[page] = session.Keys!.Of(labels[page]);
        int held = session.Cache.Adopt(keys);
        for (int page = 0; page < held / PagePositions; page++)
        {
            if (session.Cache.CompanionOf(page) is not PageOutput output)
                continue;
            session.History?.Append(output.Ids);
            if (session.Outputs is not { } outputs)
                continue;
            lock (outputs.Gate)
                outputs.Append(output, labels[page]);
        }

        while (labels.Count > held / PagePositions)
            labels.RemoveAt(labels.Count - 1);
        session.Computed = session.PrefixTokens = held;
        NodeMeter.Skipped(held);
    }

    /// <summary>A step was computed, and its output is retained: pages that it completed can be found from now on, where the client named them.</summary>
    public static void Publish(StepWork work)
    {
        NodeSession session = work.Session;
        RepeatedField<ByteString> labels = work.Header.PageLabels;
        if (session.Keys is not { } keys || labels.Count == 0)
            return;
        int first = work.Position / PagePositions;
        for (int index = 0; index < labels.Count; index++)
        {
            UInt128 key = keys.Of(labels[index]);
            if (session.Cache.IsKnown(key) || !TryGetOutput(session, first + index, out PageOutput? output))
                continue;
            if (!session.Cache.TryShare(first + index, key, output))
                output?.Dispose();
        }
    }

    // False: the rows are not kept any more, and whoever skipped the page could not feed the next hop.
    private static bool TryGetOutput(NodeSession session, int page, out PageOutput? output)
    {
        output = null;
        NativeBytes? rows = null;
        if (session.Outputs is { } outputs)
        {
            lock (outputs.Gate)
            {
                rows = new NativeBytes((int)outputs.Bytes(page * PagePositions, PagePositions));
                if (!outputs.TryRead(page * PagePositions, PagePositions, rows.Span))
                {
                    rows.Dispose();
                    return false;
                }
            }
        }

        int[] ids = (session.Outputs?.Tokens ?? session.History)?.Until((page + 1) * PagePositions)[(page * PagePositions)..].ToArray() ?? [];
        if (rows is not null || ids.Length > 0)
            output = new PageOutput(rows, ids);
        return true;
    }
}
