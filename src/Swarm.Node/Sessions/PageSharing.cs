using Google.Protobuf;
using Google.Protobuf.Collections;
using Swarm.Models.Blocks;
using Swarm.Node.Metrics;
using Swarm.Protocol;
using Swarm.Protocol.Links;

namespace Swarm.Node.Sessions;

/// <summary>
/// Sessions begin with pages that an earlier session of their client left, and leave their own to be found. Full pages are shared as they are; of the one in which texts part, or an earlier
/// one ended, the first 16, 32 or 48 positions are copied. The compute loop's, between passes.
/// </summary>
internal static class PageSharing
{
    private const int Page = ChainLimits.PagePositions;
    private const int Step = ChainLimits.LabelPositions;

    /// <summary>Begins a session with what this hop has under the first of the names, and shortens these to it.</summary>
    public static void Begin(NodeSession session, RepeatedField<ByteString> labels)
    {
        // What was promised to the session holds it as well.
        int most = Math.Min(labels.Count * Step, session.Plan.ExpectedPositions / Step * Step);
        var pages = new UInt128[most / Page];
        for (int page = 0; page < pages.Length; page++)
            pages[page] = Key(session, labels, (page + 1) * Page);
        int held = session.Cache.Adopt(pages);
        for (int page = 0; page < held / Page; page++)
            Take(session, (PageOutput?)session.Cache.CompanionOf(page), Page);
        var parts = new UInt128[Math.Min(Page - Step, most - held) / Step];
        for (int part = 0; part < parts.Length; part++)
            parts[^(part + 1)] = Key(session, labels, held + ((part + 1) * Step));
        using (PagePart? part = session.Cache.AdoptPart(parts))
        {
            Take(session, (PageOutput?)part?.Companion, part?.Positions ?? 0);
            held += part?.Positions ?? 0;
        }

        while (labels.Count > held / Step)
            labels.RemoveAt(labels.Count - 1);
        Name(session, 0, held, labels);
        session.Computed = session.Settled = session.PrefixTokens = held;
        NodeMeter.Skipped(held);
    }

    /// <summary>A step is about to be computed: from its position on nothing counts until it is.</summary>
    public static void OnStarts(StepWork work) => work.Session.Settled = Math.Min(work.Session.Settled, work.Position);

    /// <summary>A step was computed, and its output is retained: pages that it completed can be found from now on, where the client named them.</summary>
    public static void Publish(StepWork work)
    {
        NodeSession session = work.Session;
        session.Settled = work.Position + work.Count;
        if (session.Outputs is null)
            Name(session, work.Position, work.Count, work.Header.PrefixLabels);
        if (work.Header.PrefixLabels.Count == 0)
            return;
        for (int page = work.Position / Page; (page + 1) * Page <= work.Position + work.Count; page++)
            Publish(session, page, Page);
    }

    /// <summary>A session ends: of its last page the beginning can be found.</summary>
    public static void PublishEnd(NodeSession session)
    {
        int end = Math.Min(session.Settled, session.Cache.Length);
        if (end % Page >= Step)
            Publish(session, end / Page, end % Page / Step * Step);
    }

    private static UInt128 Key(NodeSession session, RepeatedField<ByteString> labels, int end) => session.Keys!.Of(labels[(end / Step) - 1]);

    private static void Take(NodeSession session, PageOutput? output, int positions)
    {
        if (output is null || positions == 0)
            return;
        session.History?.Append(output.Ids(positions));
        if (session.Outputs is not { } outputs)
            return;
        lock (outputs.Gate)
            outputs.Append(output, positions);
    }

    private static void Name(NodeSession session, int position, int count, RepeatedField<ByteString> labels)
    {
        if (session.Outputs is not { } outputs)
        {
            session.Labels.Write(position, count, labels);
            return;
        }

        lock (outputs.Gate)
            outputs.Labels.Write(position, count, labels);
    }

    private static void Publish(NodeSession session, int page, int positions)
    {
        if (session.Keys is not { } keys)
            return;
        Span<PageName> names = stackalloc PageName[Page / Step];
        int count = 0;
        for (int end = Step; end <= positions; end += Step)
        {
            if (LabelAt(session, (page * Page) + end) is { } label)
                names[count++] = new PageName(keys.Of(label), end);
        }

        names = names[..count];
        if (count == 0 || names[^1].Positions != positions || session.Cache.IsKnown(names[^1].Key) || !TryGetOutput(session, page * Page, positions, out PageOutput? output))
            return;
        if (!session.Cache.TryShare(page, names, output))
            output?.Dispose();
    }

    private static ByteString? LabelAt(NodeSession session, int end)
    {
        if (session.Outputs is not { } outputs)
            return session.Labels.At(end);
        lock (outputs.Gate)
            return outputs.Labels.At(end);
    }

    // False: the rows are not kept any more, and whoever skipped the positions could not feed the next hop.
    private static bool TryGetOutput(NodeSession session, int first, int positions, out PageOutput? output)
    {
        output = null;
        NativeBytes? rows = null;
        if (session.Outputs is { } outputs)
        {
            lock (outputs.Gate)
            {
                rows = new NativeBytes((int)outputs.Bytes(first, positions));
                if (!outputs.TryRead(first, positions, rows.Span))
                {
                    rows.Dispose();
                    return false;
                }
            }
        }

        int[] ids = (session.Outputs?.Tokens ?? session.History)?.Until(first + positions)[first..].ToArray() ?? [];
        if (rows is not null || ids.Length > 0)
            output = new PageOutput(rows, session.Outputs?.Format ?? default, ids);
        return true;
    }
}
