using System.Runtime.InteropServices;
using Swarm.Kernels.Cpu;

namespace Swarm.Kernels.Tests;

/// <summary>Several sessions in one call give the bits of each session by itself, in single operations and in the scalar form.</summary>
public sealed class AttendStepsTests
{
    private const int Offset = 64;

    private static readonly (int Position, int Tokens)[][] s_passes =
    [
        [(0, 1)],
        [(700, 1)],
        [(63, 1), (64, 1), (5, 1)],
        [(0, 70), (130, 1), (10, 60)],
        [(640, 1), (3, 1)],
    ];

    public static TheoryData<CpuWidth, int> Machines
    {
        get
        {
            TheoryData<CpuWidth, int> machines = [];
            foreach (CpuWidth width in Enum.GetValues<CpuWidth>())
            {
                machines.Add(width, 1);
                machines.Add(width, 3);
            }

            return machines;
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void AttendSteps_SeveralSessions_BitsOfSingleOperations(CpuWidth width, int threads)
    {
        using CpuKernels kernels = new(threads, width), scalar = new(1, CpuWidth.Scalar);
        foreach (AttentionShape shape in new AttentionShape[] { new(6, 2, 64, 0.125f), new(4, 4, 24, 0.2f), new(2, 1, 128, 0.09f), new(7, 1, 16, 0.25f),
            new(6, 2, 64, 0.125f) { Window = 100, Sinks = [0, 1, -1, 2, 3, -4] }, new(4, 1, 24, 0.2f) { ValueDimension = 16, SoftCap = 3, Window = 9, Slopes = [1, 0.5f, 0.25f, 0.125f] } })
        {
            foreach (RotaryLayout? layout in new RotaryLayout?[] { RotaryLayout.Interleaved, RotaryLayout.HalfSplit, null })
            {
                float[] frequencies = [.. Enumerable.Range(0, shape.HeadDimension / 2).Select(i => (float)HostMath.Pow(10000, -2.0 * i / shape.HeadDimension))];
                RotaryTable? rotary = layout is { } turning ? new RotaryTable(turning, frequencies) : null;
                foreach ((int Position, int Tokens)[] steps in s_passes)
                {
                    float[] expected = Run(scalar, shape, steps, rotary, joined: false), actual = Run(kernels, shape, steps, rotary, joined: true);
                    Bits.AssertSame(expected, actual, $"{shape} {layout} {string.Join(' ', steps)}");
                }
            }
        }
    }

    [Theory]
    [InlineData(1, 1, 0, 0)]
    [InlineData(2, 1, 0, 2)]
    [InlineData(2, 9, 1, 0)]
    public void AttendSteps_LongContext_TakesTheFastPaths(int threads, int sessions, int joined, int byPages)
    {
        using CpuKernels kernels = new(threads);
        AttentionShape shape = new(6, 2, 64, 0.125f);
        (int, int)[] steps = [.. Enumerable.Repeat((200, 1), sessions)];
        RotaryTable rotary = new(RotaryLayout.HalfSplit, [1f, 0.5f]);
        Run(kernels, shape, steps, rotary, joined: true);
        if (sessions == 1)
            Run(kernels, shape, steps, rotary, joined: true);
        Assert.Equal(joined, kernels.Counters.AttentionJoined);
        Assert.Equal(byPages, kernels.Counters.AttentionByPages);
        if (CpuKernels.BestWidth != CpuWidth.Scalar)
            Assert.Equal((sessions == 1 ? 2 : sessions) * 4 * 6, kernels.Counters.AttentionShared);
    }

    [Fact]
    public void AttendSteps_WindowFarBehind_DividesOnlyThePagesThatItSees()
    {
        using CpuKernels kernels = new(2), scalar = new(1, CpuWidth.Scalar);
        AttentionShape shape = new(2, 1, 16, 0.25f) { Window = 100 };
        Bits.AssertSame(Run(scalar, shape, [(1000, 1)], null, joined: true), Run(kernels, shape, [(1000, 1)], null, joined: true), "pages divided");
        Assert.Equal(1, kernels.Counters.AttentionByPages);
        if (CpuKernels.BestWidth != CpuWidth.Scalar)
            Assert.Equal(2 * 2, kernels.Counters.AttentionShared);
    }

    [Fact]
    public void AttendSteps_ValueThatIsNotFinite_SpoilsNoEarlierQuery()
    {
        using CpuKernels kernels = new(2), scalar = new(1, CpuWidth.Scalar);
        AttentionShape shape = new(4, 1, 64, 0.125f);
        RotaryTable rotary = new(RotaryLayout.HalfSplit, [1f, 0.5f]);
        float[] expected = Run(scalar, shape, [(0, 40)], rotary, joined: false, spoilt: 30), actual = Run(kernels, shape, [(0, 40)], rotary, joined: true, spoilt: 30);
        Bits.AssertSame(expected, actual, "a NaN among the values");
        Assert.DoesNotContain(actual.AsSpan(0, 30 * 4 * 64).ToArray(), float.IsNaN);
        Assert.Contains(actual.AsSpan(30 * 4 * 64).ToArray(), float.IsNaN);
    }

    [Fact]
    public void AttendSteps_PagesOrTokensMissing_IsRefused()
    {
        using CpuKernels kernels = new(1);
        AttentionShape shape = new(1, 1, 8, 1f);
        RotaryTable rotary = new(RotaryLayout.HalfSplit, [1f]);
        float[] values = new float[8];
        Assert.Throws<ArgumentException>(() => kernels.AttendSteps(shape, [new AttentionStep(new nint[1], 64, 1)], 0, rotary, values, values, values, values));
        Assert.Throws<ArgumentOutOfRangeException>(() => kernels.AttendSteps(shape, [new AttentionStep(new nint[1], 0, 0)], 0, rotary, values, values, values, values));
        Assert.Throws<ArgumentException>(() => kernels.AttendSteps(shape, [new AttentionStep(new nint[1], 0, 2)], 0, rotary, values, values, values, values));
    }

    private static unsafe float[] Run(
        CpuKernels kernels, AttentionShape shape, (int Position, int Tokens)[] steps, RotaryTable? rotary, bool joined, int spoilt = -1)
    {
        TestNumbers numbers = new(11);
        (int queryWidth, int keyWidth, int valueWidth, int outputWidth) = (shape.QueryWidth, shape.KeyWidth, shape.ValueWidth, shape.OutputWidth);
        int bytes = kernels.KvPageBytes(shape) + Offset;
        int tokens = steps.Sum(step => step.Tokens);
        List<nint> all = [];
        List<AttentionStep> attention = [];
        try
        {
            foreach ((int position, int count) in steps)
            {
                nint[] pages = new nint[(position + count + 63) / 64];
                for (int i = 0; i < pages.Length; i++)
                {
                    all.Add(pages[i] = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64));
                    new Span<byte>((void*)pages[i], bytes).Fill(0xFF); // NaN in F16
                }

                float[] before = numbers.Floats(position * keyWidth, 2);
                kernels.StoreKeyValues(shape, pages, Offset, 0, position, before, before.AsSpan(0, position * valueWidth));
                attention.Add(new AttentionStep(pages, position, count));
            }

            float[] queries = numbers.Floats(tokens * queryWidth, 2), keys = numbers.Floats(tokens * keyWidth, 2), values = numbers.Floats(tokens * valueWidth, 2);
            float[] output = new float[tokens * outputWidth];
            if (spoilt >= 0)
                values[spoilt * valueWidth + 3] = float.NaN;
            if (joined)
            {
                kernels.AttendSteps(shape, [.. attention], Offset, rotary, queries, keys, values, output);
                return output;
            }

            int first = 0;
            foreach ((ReadOnlyMemory<nint> pages, int position, int count) in attention)
            {
                Span<float> own = queries.AsSpan(first * queryWidth, count * queryWidth), ownKeys = keys.AsSpan(first * keyWidth, count * keyWidth);
                if (rotary is not null)
                {
                    kernels.Rotary(own, count, shape.Heads, shape.HeadDimension, rotary, position);
                    kernels.Rotary(ownKeys, count, shape.KeyValueHeads, shape.HeadDimension, rotary, position);
                }

                kernels.StoreKeyValues(shape, pages.Span, Offset, position, count, ownKeys, values.AsSpan(first * valueWidth, count * valueWidth));
                kernels.Attention(shape, pages.Span, Offset, position, count, own, output.AsSpan(first * outputWidth, count * outputWidth));
                first += count;
            }

            return output;
        }
        finally
        {
            foreach (nint page in all)
                NativeMemory.AlignedFree((void*)page);
        }
    }
}
