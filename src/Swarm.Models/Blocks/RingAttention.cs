using Swarm.Kernels;

namespace Swarm.Models.Blocks;

/// <summary>
/// The attention of a pass over pages of which a block with a window has no more than the window touches (<see cref="KvGroup.MostPages"/>): a long step is cut where it would write over a
/// page that its own queries still need. The bits do not depend on the cuts.
/// </summary>
internal static class RingAttention
{
    /// <summary><see cref="KernelSet.AttendSteps"/>, in as many calls as it takes.</summary>
    public static void Attend(
        KernelSet kernels, StackScratch scratch, in AttentionShape shape, ReadOnlySpan<AttentionStep> steps, long pageOffset, RotaryTable? rotary,
        Span<float> queries, Span<float> keys, ReadOnlySpan<float> values, Span<float> output)
    {
        if (!NeedsCuts(shape, steps))
        {
            kernels.AttendSteps(shape, steps, pageOffset, rotary, queries, keys, values, output);
            return;
        }

        int next = 0, consumed = 0;
        while (next < steps.Length)
        {
            // Each step's tokens up to its first cut; what follows a cut waits for the next call.
            int count = 0, tokens = 0;
            bool isCut = false;
            while (next < steps.Length && !isCut)
            {
                (ReadOnlyMemory<nint> pages, int first, int all) = steps[next];
                int room = Room(shape, first + consumed, all - consumed);
                scratch.CutSteps[count++] = new AttentionStep(pages, first + consumed, room);
                tokens += room;
                consumed += room;
                isCut = consumed < all;
                if (!isCut)
                    (next, consumed) = (next + 1, 0);
            }

            kernels.AttendSteps(
                shape, scratch.CutSteps.AsSpan(0, count), pageOffset, rotary, queries[..(tokens * shape.QueryWidth)], keys[..(tokens * shape.KeyWidth)],
                values[..(tokens * shape.ValueWidth)], output[..(tokens * shape.OutputWidth)]);
            queries = queries[(tokens * shape.QueryWidth)..];
            keys = keys[(tokens * shape.KeyWidth)..];
            values = values[(tokens * shape.ValueWidth)..];
            output = output[(tokens * shape.OutputWidth)..];
            scratch.WindowCuts++;
        }
    }

    private static bool NeedsCuts(in AttentionShape shape, ReadOnlySpan<AttentionStep> steps)
    {
        if (shape.Window == 0)
            return false;
        foreach (AttentionStep step in steps)
        {
            if (Room(shape, step.FirstPosition, step.Tokens) < step.Tokens)
                return true;
        }

        return false;
    }

    // Tokens from a position on whose pages, with those that the first of them sees, are no more than there are.
    private static int Room(in AttentionShape shape, int position, int tokens)
    {
        long end = (shape.FirstSeen(position) / KernelSet.PagePositions + (long)KvGroup.PagesOf(shape.Window)) * KernelSet.PagePositions;
        return (int)Math.Min(tokens, end - position);
    }
}
