using Swarm.Kernels.Cpu;

namespace Swarm.Kernels.Tests;

/// <summary>Products that share an input or are written where they are wanted give the bits of the operations one by one.</summary>
public sealed class JoinedProductTests
{
    private static readonly WeightFormat[][] s_formats =
    [
        [WeightFormat.Q4_1, WeightFormat.Q4_1, WeightFormat.Q4_1],
        [WeightFormat.Q4_0, WeightFormat.Q8_0, WeightFormat.F16],
        [WeightFormat.F32, WeightFormat.BF16, WeightFormat.Q8_0],
        [WeightFormat.BF16, WeightFormat.BF16, WeightFormat.BF16],
    ];

    public static TheoryData<CpuWidth, int> Machines
    {
        get
        {
            TheoryData<CpuWidth, int> machines = [];
            foreach (CpuWidth width in Enum.GetValues<CpuWidth>())
                machines.Add(width, width == CpuWidth.Vector256 ? 2 : 1);
            return machines;
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void MatMulThree_MixedFormats_BitsOfThreeProducts(CpuWidth width, int threads)
    {
        using CpuKernels kernels = new(threads, width);
        foreach (WeightFormat[] formats in s_formats)
        {
            foreach (int tokens in new[] { 1, 2, 5, 33 })
            {
                TestNumbers numbers = new(7);
                const int Columns = 96;
                float[] input = numbers.Floats(tokens * Columns, 3);
                int[] rows = [50, 17, 8];
                WeightMatrix[] weights = [.. rows.Select((r, i) => TestNumbers.Pack(kernels, formats[i], numbers.Rows(formats[i], r, Columns), r, Columns))];
                float[][] bias = [numbers.Floats(50), [], numbers.Floats(8)];
                float[][] expected = [.. rows.Select(r => new float[tokens * r])], actual = [.. rows.Select(r => new float[tokens * r])];
                for (int i = 0; i < 3; i++)
                    kernels.MatMul(weights[i], input, tokens, bias[i], expected[i]);
                long before = kernels.Counters.MatMulThree;
                kernels.MatMulThree(
                    input, tokens, new Product(weights[0], bias[0], actual[0]), new Product(weights[1], bias[1], actual[1]), new Product(weights[2], bias[2], actual[2]));
                Assert.Equal(before + 1, kernels.Counters.MatMulThree);
                for (int i = 0; i < 3; i++)
                    Bits.AssertSame(expected[i], actual[i], $"{formats[i]} {tokens} tokens, matrix {i}");
                foreach (WeightMatrix matrix in weights)
                    matrix.Dispose();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void MatMulAdd_EveryFormat_BitsOfProductThenAdd(CpuWidth width, int threads)
    {
        using CpuKernels kernels = new(threads, width);
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
        {
            foreach (int tokens in new[] { 1, 3, 34 })
            {
                const int Rows = 35, Columns = 256;
                TestNumbers numbers = new(8);
                using WeightMatrix weights = TestNumbers.Pack(kernels, format, numbers.Rows(format, Rows, Columns), Rows, Columns);
                float[] input = numbers.Floats(tokens * Columns, 3), bias = tokens == 3 ? [] : numbers.Floats(Rows);
                float[] expected = numbers.Floats(tokens * Rows, 100), product = new float[tokens * Rows];
                float[] actual = [.. expected];
                kernels.MatMul(weights, input, tokens, bias, product);
                kernels.Add(expected, product);
                kernels.MatMulAdd(weights, input, tokens, bias, actual);
                Bits.AssertSame(expected, actual, $"{format} {tokens} tokens");
            }
        }

        Assert.Equal(3 * Enum.GetValues<WeightFormat>().Length, kernels.Counters.MatMulAdd);
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void MatMulGated_MixedFormats_BitsOfTwoProductsThenGate(CpuWidth width, int threads)
    {
        using CpuKernels kernels = new(threads, width);
        foreach (WeightFormat[] formats in s_formats)
        {
            foreach (int tokens in new[] { 1, 3, 34 })
            {
                const int Rows = 41, Columns = 64;
                TestNumbers numbers = new(9);
                using WeightMatrix gate = TestNumbers.Pack(kernels, formats[0], numbers.Rows(formats[0], Rows, Columns), Rows, Columns);
                using WeightMatrix up = TestNumbers.Pack(kernels, formats[1], numbers.Rows(formats[1], Rows, Columns), Rows, Columns);
                float[] input = numbers.Floats(tokens * Columns, 3), gateBias = tokens == 3 ? [] : numbers.Floats(Rows), upBias = tokens == 1 ? [] : numbers.Floats(Rows);
                float[] expected = new float[tokens * Rows], other = new float[tokens * Rows], actual = new float[tokens * Rows];
                kernels.MatMul(gate, input, tokens, gateBias, expected);
                kernels.MatMul(up, input, tokens, upBias, other);
                kernels.SwiGlu(expected, other);
                kernels.MatMulGated(input, tokens, new Product(gate, gateBias, actual), up, upBias);
                Bits.AssertSame(expected, actual, $"{formats[0]}, {formats[1]}, {tokens} tokens");
            }
        }

        Assert.Equal(12, kernels.Counters.MatMulGated);
    }

    [Fact]
    public void MatMulThree_OneOutputOfAnotherSize_IsRefused()
    {
        using CpuKernels kernels = new(1);
        TestNumbers numbers = new(1);
        using WeightMatrix weights = TestNumbers.Pack(kernels, WeightFormat.F32, numbers.Rows(WeightFormat.F32, 4, 8), 4, 8);
        float[] input = new float[8], output = new float[4], other = new float[5];
        Assert.Throws<ArgumentException>(
            () => kernels.MatMulThree(input, 1, new Product(weights, [], output), new Product(weights, [], other), new Product(weights, [], output)));
    }
}
