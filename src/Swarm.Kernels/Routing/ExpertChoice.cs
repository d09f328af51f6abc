namespace Swarm.Kernels;

/// <summary>
/// The choice of experts by their scores, shared by all kernel sets (docs/canonical-1.md, Experts): the largest first, of equal ones the lower index, NaN below all.
/// </summary>
internal static class ExpertChoice
{
    /// <summary>Writes the chosen experts by ascending index.</summary>
    /// <param name="shape">How many of how many.</param>
    /// <param name="scores">[Experts]; what is not a number is replaced by −∞, as are experts of groups that are not chosen.</param>
    /// <param name="experts">[Chosen], written.</param>
    public static void Choose(in RouterShape shape, Span<float> scores, Span<int> experts)
    {
        foreach (ref float score in scores)
            score = float.IsNaN(score) ? float.NegativeInfinity : score;
        if (shape.ChosenGroups < shape.Groups)
            KeepGroups(shape, scores);
        int held = 0;
        for (int expert = 0; expert < scores.Length; expert++)
        {
            // The held ones are ordered from best to worst; an equal score stays behind the lower index.
            int place = held;
            while (place > 0 && scores[expert] > scores[experts[place - 1]])
                place--;
            if (place == experts.Length)
                continue;
            held = Math.Min(held + 1, experts.Length);
            experts[place..(held - 1)].CopyTo(experts[(place + 1)..held]);
            experts[place] = expert;
        }

        experts.Sort();
    }

    private static void KeepGroups(in RouterShape shape, Span<float> scores)
    {
        int size = shape.Experts / shape.Groups;
        Span<float> groups = stackalloc float[shape.Groups];
        Span<int> kept = stackalloc int[shape.ChosenGroups];
        for (int group = 0; group < groups.Length; group++)
        {
            float best = float.NegativeInfinity, second = float.NegativeInfinity;
            foreach (float score in scores.Slice(group * size, size))
            {
                if (score > best)
                    (best, second) = (score, best);
                else if (score > second)
                    second = score;
            }

            groups[group] = shape.GroupsBySumOfTwo ? best + second : best;
        }

        Choose(new RouterShape(shape.Groups, shape.ChosenGroups, shape.Scores), groups, kept);
        for (int group = 0; group < groups.Length; group++)
        {
            if (!kept.Contains(group))
                scores.Slice(group * size, size).Fill(float.NegativeInfinity);
        }
    }
}
