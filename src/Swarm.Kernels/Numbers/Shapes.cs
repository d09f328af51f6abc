namespace Swarm.Kernels;

/// <summary>Checks that every kernel set makes on its arguments, before anything is read through a pointer.</summary>
internal static class Shapes
{
    public static void Length(long actual, long expected, string name)
    {
        if (actual != expected)
            throw new ArgumentException($"{name} holds {actual} values, expected {expected}", name);
    }

    public static void MatMul(WeightMatrix weights, int input, int tokens, int bias, int output)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        Length(input, (long)tokens * weights.Columns, nameof(input));
        Length(output, (long)tokens * weights.Rows, nameof(output));
        if (bias != 0)
            Length(bias, weights.Rows, nameof(bias));
    }

    public static void RmsNorm(int input, int weight, int tokens, int output)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        Length(input, (long)tokens * weight, nameof(input));
        Length(output, input, nameof(output));
    }

    public static void LayerNorm(int input, int weight, int bias, int tokens, int output)
    {
        RmsNorm(input, weight, tokens, output);
        if (bias != 0)
            Length(bias, weight, nameof(bias));
    }

    public static void Rotary(int values, int tokens, int heads, int headDimension, RotaryTable table, int firstPosition)
    {
        Length(values, (long)tokens * heads * headDimension, nameof(values));
        ArgumentOutOfRangeException.ThrowIfNegative(firstPosition);
        if (table.Pairs * 2 > headDimension)
            throw new ArgumentException($"{table.Pairs} pairs turn, expected at most {headDimension / 2} in a head of {headDimension}", nameof(table));
    }

    public static void Attention(in AttentionShape shape)
    {
        if (shape.KeyValueHeads <= 0 || shape.Heads <= 0 || shape.Heads % shape.KeyValueHeads != 0)
            throw new ArgumentException($"{shape.Heads} query heads over {shape.KeyValueHeads} key-value heads, expected a positive multiple", nameof(shape));
        if (shape.HeadDimension <= 0 || shape.HeadDimension % 8 != 0)
            throw new ArgumentException($"head dimension {shape.HeadDimension}, expected a positive multiple of 8", nameof(shape));
        if (shape.ValueDimension <= 0 || shape.ValueDimension % 8 != 0)
            throw new ArgumentException($"value dimension {shape.ValueDimension}, expected a positive multiple of 8", nameof(shape));
        if (shape.ValuesInKeys && shape.ValueDimension > shape.HeadDimension)
            throw new ArgumentException($"value dimension {shape.ValueDimension}, expected at most the head dimension {shape.HeadDimension} of the keys that hold values", nameof(shape));
        if (shape.Window < 0)
            throw new ArgumentException($"a window of {shape.Window} positions, expected 0 for none or a positive number", nameof(shape));
        if (!(shape.SoftCap >= 0 && shape.SoftCap < float.PositiveInfinity))
            throw new ArgumentException($"a soft cap of {shape.SoftCap}, expected 0 for none or a positive number", nameof(shape));
        if (shape.Slopes is { } slopes)
            Length(slopes.Length, shape.Heads, nameof(shape.Slopes));
        if (shape.Sinks is { } sinks)
            Length(sinks.Length, shape.Heads, nameof(shape.Sinks));
    }

    public static void Route(in RouterShape shape, int logits, int tokens, int correction, int experts, int weights)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        if (shape.Chosen <= 0 || shape.Chosen > shape.Experts)
            throw new ArgumentException($"{shape.Chosen} of {shape.Experts} experts, expected 1 to all", nameof(shape));
        if (shape.Groups <= 0 || shape.Experts % shape.Groups != 0 || shape.ChosenGroups <= 0 || shape.ChosenGroups > shape.Groups
            || shape.Experts / shape.Groups * shape.ChosenGroups < shape.Chosen)
        {
            throw new ArgumentException(
                $"{shape.Chosen} of {shape.Experts} experts from {shape.ChosenGroups} of {shape.Groups} groups, expected equal groups that hold enough", nameof(shape));
        }

        Length(logits, (long)tokens * shape.Experts, nameof(logits));
        Length(experts, (long)tokens * shape.Chosen, nameof(experts));
        Length(weights, experts, nameof(weights));
        if (correction != 0)
            Length(correction, shape.Experts, nameof(correction));
    }

    public static void Groups(ReadOnlySpan<GroupedProduct> groups, bool gated, int input, int output)
    {
        long tokens = 0;
        int rows = 0, columns = 0;
        foreach (GroupedProduct group in groups)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(group.Tokens, nameof(groups));
            if (rows == 0)
                (rows, columns) = (group.Weights.Rows, group.Weights.Columns);
            Alike(group.Weights, rows, columns);
            if (gated != group.Up is not null)
                throw new ArgumentException(gated ? "a group without a matrix to gate" : "a group with a matrix to gate", nameof(groups));
            if (group.Up is not null)
                Alike(group.Up, rows, columns);
            if (group.Bias.Length != 0)
                Length(group.Bias.Length, rows, nameof(groups));
            if (group.UpBias.Length != 0)
                Length(group.UpBias.Length, rows, nameof(groups));
            tokens += group.Tokens;
        }

        Length(input, tokens * columns, nameof(input));
        Length(output, tokens * rows, nameof(output));

        static void Alike(WeightMatrix weights, int rows, int columns)
        {
            if (weights.Rows != rows || weights.Columns != columns)
                throw new ArgumentException($"a matrix of {weights.Rows} x {weights.Columns} among groups of {rows} x {columns}", nameof(groups));
        }
    }

    /// <returns>The rows' width.</returns>
    public static int ScaledRows(int target, ReadOnlySpan<int> rows, int source, int factors)
    {
        Length(factors, rows.Length, nameof(factors));
        if (rows.Length == 0)
            return 0;
        int width = source / rows.Length;
        Length(source, (long)width * rows.Length, nameof(source));
        foreach (int row in rows)
        {
            if (row < 0 || ((long)row + 1) * width > target)
                throw new ArgumentException($"row {row} of {width} values lies outside of the {target} of the target", nameof(rows));
        }

        return width;
    }

    public static void Pages(int pages, int firstPosition, int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstPosition);
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        long needed = ((long)firstPosition + tokens + KernelSet.PagePositions - 1) / KernelSet.PagePositions;
        if (tokens > 0 && pages < needed)
            throw new ArgumentException($"{pages} pages given, expected {needed} for positions below {(long)firstPosition + tokens}", nameof(pages));
    }

    public static void Steps(
        in AttentionShape shape, ReadOnlySpan<AttentionStep> steps, RotaryTable? rotary, int queries, int keys, int values, int output)
    {
        Attention(shape);
        long tokens = 0;
        foreach (AttentionStep step in steps)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step.Tokens, nameof(steps));
            Pages(step.Pages.Length, step.FirstPosition, step.Tokens);
            tokens += step.Tokens;
        }

        Length(keys, tokens * shape.KeyWidth, nameof(keys));
        Length(values, tokens * shape.ValueWidth, nameof(values));
        Length(queries, tokens * shape.QueryWidth, nameof(queries));
        Length(output, tokens * shape.OutputWidth, nameof(output));
        if (rotary is not null && rotary.Pairs * 2 > shape.HeadDimension)
            throw new ArgumentException($"{rotary.Pairs} pairs turn, expected at most {shape.HeadDimension / 2} in a head of {shape.HeadDimension}", nameof(rotary));
    }
}
