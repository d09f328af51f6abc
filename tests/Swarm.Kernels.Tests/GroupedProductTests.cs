using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;

namespace Swarm.Kernels.Tests;

/// <summary>Several matrices with rows of their own in one call give the bits of a call for each.</summary>
public sealed class GroupedProductTests
{
    private const int Rows = 35, Columns = 256;

    public static TheoryData<WeightFormat> Formats => [WeightFormat.F32, WeightFormat.F16, WeightFormat.Q8_0, WeightFormat.Q4_0, WeightFormat.Q4_1, WeightFormat.Q6_K, WeightFormat.MXFP4];

    [Theory]
    [MemberData(nameof(Formats))]
    public void MatMulGroups_AnyCounts_SameBitsAsOneByOne(WeightFormat format)
    {
        foreach (int[] counts in new int[][] { [1], [1, 1, 1], [3, 40, 1, 4], [33, 2, 65], [8, 8, 5, 1, 1, 31, 32] })
        {
            foreach (KernelSet kernels in new KernelSet[]
            {
                new CpuKernels(2), new CpuKernels(1, CpuWidth.Scalar), new CpuKernels(1, CpuWidth.Vector128), new CpuKernels(2, CpuWidth.Vector256),
                new CpuKernels(2, CpuWidth.Vector512), new ReferenceKernels(),
            })
            {
                using (kernels)
                    Compare(kernels, format, counts);
            }
        }
    }

    [Fact]
    public void MatMulGroups_OnTheProcessor_GoesOverThreadsTogether()
    {
        using CpuKernels kernels = new(2);
        Compare(kernels, WeightFormat.Q8_0, [1, 2]);
        Assert.Equal(3, kernels.Counters.MatMulGroups);
    }

    [Fact]
    public void MatMulGroups_WrongShapes_AreRefused()
    {
        using CpuKernels kernels = new(1);
        TestNumbers numbers = new(1);
        using WeightMatrix wide = TestNumbers.Pack(kernels, WeightFormat.F32, numbers.Rows(WeightFormat.F32, 8, 16), 8, 16);
        using WeightMatrix narrow = TestNumbers.Pack(kernels, WeightFormat.F32, numbers.Rows(WeightFormat.F32, 8, 8), 8, 8);
        Assert.Throws<ArgumentException>(() => kernels.MatMulGroups([new(wide, [], 1), new(narrow, [], 1)], new float[32], new float[16]));
        Assert.Throws<ArgumentException>(() => kernels.MatMulGroups([new(wide, [], 1)], new float[17], new float[8]));
        Assert.Throws<ArgumentException>(() => kernels.MatMulGroups([new(wide, [], 1)], new float[16], new float[9]));
        Assert.Throws<ArgumentException>(() => kernels.MatMulGroups([new(wide, new float[7], 1)], new float[16], new float[8]));
        Assert.Throws<ArgumentException>(() => kernels.MatMulGroups([new(wide, [], 1) { Up = wide }], new float[16], new float[8]));
        Assert.Throws<ArgumentException>(() => kernels.MatMulGatedGroups([new(wide, [], 1)], default, new float[16], new float[8]));
        Assert.Throws<ArgumentOutOfRangeException>(() => kernels.MatMulGroups([new(wide, [], 0)], [], []));
    }

    private static void Compare(KernelSet kernels, WeightFormat format, int[] counts)
    {
        TestNumbers numbers = new((ulong)counts.Length);
        var groups = new GroupedProduct[counts.Length];
        var plain = new GroupedProduct[counts.Length];
        for (int i = 0; i < groups.Length; i++)
        {
            groups[i] = new GroupedProduct(Matrix(), i % 3 == 1 ? numbers.Floats(Rows) : [], counts[i]) { Up = Matrix(), UpBias = i % 2 == 0 ? numbers.Floats(Rows) : [] };
            plain[i] = groups[i] with { Up = null, UpBias = [] };
        }

        int tokens = counts.Sum();
        float[] input = numbers.Floats(tokens * Columns, 3), output = new float[tokens * Rows];
        kernels.MatMulGroups(plain, input, output);
        Bits.AssertSame(OneByOne(kernels, groups, null, input), output, $"{format} {string.Join(' ', counts)}");
        foreach (GateForm form in new GateForm[] { default, new() { Alpha = 1.702f, Limit = 2f } })
        {
            kernels.MatMulGatedGroups(groups, form, input, output);
            Bits.AssertSame(OneByOne(kernels, groups, form, input), output, $"{format} {string.Join(' ', counts)} gated {form}");
        }

        foreach (GroupedProduct group in groups)
        {
            group.Weights.Dispose();
            group.Up!.Dispose();
        }

        WeightMatrix Matrix() => TestNumbers.Pack(kernels, format, numbers.Rows(format, Rows, Columns), Rows, Columns);
    }

    private static float[] OneByOne(KernelSet kernels, GroupedProduct[] groups, GateForm? form, float[] input)
    {
        var output = new List<float>();
        int first = 0;
        foreach (GroupedProduct group in groups)
        {
            float[] product = new float[group.Tokens * Rows], up = new float[product.Length];
            kernels.MatMul(group.Weights, input.AsSpan(first, group.Tokens * Columns), group.Tokens, group.Bias, product);
            kernels.MatMul(group.Up!, input.AsSpan(first, group.Tokens * Columns), group.Tokens, group.UpBias, up);
            if (form is { Limit: > 0 } clamped)
                kernels.ClampedSwiGlu(product, up, clamped.Alpha, clamped.Limit);
            else if (form is not null)
                kernels.SwiGlu(product, up);
            output.AddRange(product);
            first += group.Tokens * Columns;
        }

        return [.. output];
    }
}
