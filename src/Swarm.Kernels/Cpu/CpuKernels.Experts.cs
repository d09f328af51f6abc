namespace Swarm.Kernels.Cpu;

public sealed unsafe partial class CpuKernels
{
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
}
