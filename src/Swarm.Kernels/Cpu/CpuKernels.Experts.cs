namespace Swarm.Kernels.Cpu;

public sealed unsafe partial class CpuKernels
{
    private float[] _biases = [];

    public override void Route(in RouterShape shape, ReadOnlySpan<float> logits, int tokens, ReadOnlySpan<float> correction, Span<int> experts, Span<float> weights)
    {
        Shapes.Route(shape, logits.Length, tokens, correction.Length, experts.Length, weights.Length);
        Span<float> scratch = stackalloc float[shape.Experts];
        for (int token = 0; token < tokens; token++)
        {
            CanonicalRouter.Route(
                shape, logits.Slice(token * shape.Experts, shape.Experts), correction, scratch,
                experts.Slice(token * shape.Chosen, shape.Chosen), weights.Slice(token * shape.Chosen, shape.Chosen));
        }
    }

    public override void MatMulGroups(ReadOnlySpan<GroupedProduct> groups, ReadOnlySpan<float> input, Span<float> output)
    {
        Shapes.Groups(groups, gated: false, input.Length, output.Length);
        RunGroups(groups, default, input, output);
    }

    public override void MatMulGatedGroups(ReadOnlySpan<GroupedProduct> groups, in GateForm form, ReadOnlySpan<float> input, Span<float> output)
    {
        Shapes.Groups(groups, gated: true, input.Length, output.Length);
        RunGroups(groups, form, input, output);
    }

    public override void AddScaledRows(Span<float> target, ReadOnlySpan<int> rows, ReadOnlySpan<float> source, ReadOnlySpan<float> factors)
    {
        int width = Shapes.ScaledRows(target.Length, rows, source.Length, factors.Length);
        fixed (float* targetPointer = target, sourcePointer = source)
        {
            for (int i = 0; i < rows.Length; i++)
                _ops.AddScaled(targetPointer + (long)rows[i] * width, sourcePointer + (long)i * width, factors[i], width);
        }
    }

    public override void ClampedSwiGlu(Span<float> gate, ReadOnlySpan<float> up, float alpha, float limit)
    {
        Shapes.Length(up.Length, gate.Length, nameof(up));
        fixed (float* gatePointer = gate, upPointer = up)
            _ops.ClampedSwiGlu(gatePointer, upPointer, alpha, limit, gate.Length);
    }

    private void RunGroups(ReadOnlySpan<GroupedProduct> groups, in GateForm form, ReadOnlySpan<float> input, Span<float> output)
    {
        if (groups.Length == 0)
            return;
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_parts.Length < groups.Length)
            _parts = new MatMulPart[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)groups.Length)];
        EnsureBiases(groups);
        int tokens = 0, rows = groups[0].Weights.Rows;
        fixed (float* inputPointer = input, outputPointer = output, biases = _biases)
        {
            float* bias = biases;
            for (int i = 0; i < groups.Length; i++)
            {
                GroupedProduct group = groups[i];
                _parts[i] = new MatMulPart
                {
                    Weights = Own(group.Weights),
                    Up = group.Up is null ? null : Own(group.Up),
                    Bias = Take(group.Bias, ref bias),
                    UpBias = Take(group.UpBias, ref bias),
                    Output = outputPointer + (long)tokens * rows,
                    FirstToken = tokens,
                    Tokens = group.Tokens,
                    Form = form,
                };
                tokens += group.Tokens;
            }

            RunParts(groups.Length, groups.Length, inputPointer, tokens);
            Counters.MatMulGroups++;
        }
    }

    // Biases of many groups cannot be pinned one by one: they are brought together, some thousand values beside some million weights.
    private void EnsureBiases(ReadOnlySpan<GroupedProduct> groups)
    {
        int length = 0;
        foreach (GroupedProduct group in groups)
            length += group.Bias.Length + group.UpBias.Length;
        if (_biases.Length < length)
            _biases = new float[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length)];
    }

    private static float* Take(float[] bias, ref float* free)
    {
        if (bias.Length == 0)
            return null;
        float* taken = free;
        bias.CopyTo(new Span<float>(taken, bias.Length));
        free += bias.Length;
        return taken;
    }

    private static TileMatrix Own(WeightMatrix weights)
    {
        if (weights is not TileMatrix matrix)
            throw new ArgumentException($"{weights.GetType().Name} was packed by another kernel set", nameof(weights));
        matrix.CheckAlive();
        return matrix;
    }
}
