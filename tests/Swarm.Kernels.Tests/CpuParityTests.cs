using Swarm.Kernels.Cpu;

namespace Swarm.Kernels.Tests;

/// <summary>Every width and thread count gives the scalar form's bits.</summary>
public sealed class CpuParityTests
{
    private static readonly CpuWidth[] s_widths = [CpuWidth.Vector128, CpuWidth.Vector256, CpuWidth.Vector512];

    public static TheoryData<WeightFormat> Formats => [.. Enum.GetValues<WeightFormat>()];

    public static TheoryData<CpuWidth> Widths => [.. s_widths];

    [Theory]
    [MemberData(nameof(Formats))]
    public void MatMul_SmallShapes_SameBitsAsScalar(WeightFormat format)
    {
        int step = WeightFormats.GroupLength(format);
        foreach (int rows in new[] { 1, 15, 16, 17, 33 })
        {
            for (int columns = step; columns <= Math.Max(257, 16 * step); columns += rows == 17 ? step : 37 * step)
                Compare(format, rows, columns, 1, CpuThreads.Two);
        }

        for (int tokens = 1; tokens <= 9; tokens++)
            Compare(format, 35, 11 * step * (step == 1 ? 7 : 1), tokens, CpuThreads.Both);
        Compare(format, 21, 9 * step, 33, CpuThreads.Both);
        Compare(format, 21, 9 * step, 65, CpuThreads.Both);
    }

    [Theory]
    [InlineData(WeightFormat.Q4_0, 576, 576, 3)]
    [InlineData(WeightFormat.Q4_0, 1536, 576, 1)]
    [InlineData(WeightFormat.Q4_1, 576, 1536, 2)]
    [InlineData(WeightFormat.Q4_K, 2048, 512, 5)]
    [InlineData(WeightFormat.Q4_K, 512, 2048, 1)]
    [InlineData(WeightFormat.Q5_K, 256, 1536, 3)]
    [InlineData(WeightFormat.Q6_K, 1024, 512, 1)]
    [InlineData(WeightFormat.Q6_K, 192, 2048, 6)]
    [InlineData(WeightFormat.MXFP4, 576, 1440, 4)]
    [InlineData(WeightFormat.Q8_0, 192, 576, 8)]
    [InlineData(WeightFormat.Q8_0, 576, 1536, 1)]
    [InlineData(WeightFormat.F32, 192, 576, 5)]
    [InlineData(WeightFormat.F16, 192, 1536, 1)]
    [InlineData(WeightFormat.BF16, 575, 192, 4)]
    public void MatMul_RealShapes_SameBitsAsScalar(WeightFormat format, int rows, int columns, int tokens) => Compare(format, rows, columns, tokens, CpuThreads.Both);

    [Theory]
    [MemberData(nameof(Formats))]
    public void MatMul_ExtremeValues_SameBitsAsScalar(WeightFormat format) => CompareExtremes(format, [0x0000, 0x8000, 0x0001, 0x83FF, 0x7BFF, 0x7C00, 0xFC00, 0x7E00]);

    [Theory]
    [MemberData(nameof(Formats))]
    public void MatMul_ExtremeFiniteScales_SameBitsAsScalar(WeightFormat format) => CompareExtremes(format, [0x0000, 0x8000, 0x0001, 0x83FF, 0x7BFF, 0xFBFF, 0x0400]);

    private static void CompareExtremes(WeightFormat format, ReadOnlySpan<uint> scales)
    {
        int group = WeightFormats.GroupLength(format);
        int columns = group == 256 ? 512 : 320;
        const int Rows = 16, Tokens = 6;
        TestNumbers numbers = new(5);
        byte[] stored = numbers.Rows(format, Rows, columns);
        int size = WeightFormats.GroupBytes(format);
        for (int i = 0; i < 64; i++)
        {
            int offset = numbers.Below(stored.Length / size) * size;
            uint half = scales[i % scales.Length];
            if (i % 3 == 0 && group > 1)
                stored.AsSpan(offset, size).Fill(i % 2 == 0 ? (byte)0xFF : (byte)0x80);
            if (format == WeightFormat.F32)
                BitConverter.TryWriteBytes(stored.AsSpan(offset), HalfBits.ToSingle((ushort)half));
            else if (format == WeightFormat.MXFP4)
                stored[offset] = (half & 0x7C00) == 0x7C00 ? (byte)255 : (byte)(i % 5 * 61);
            else if (format != WeightFormat.BF16)
                BitConverter.TryWriteBytes(stored.AsSpan(offset + StoredGroup.ScaleOffset(format)), (ushort)half);
            if (StoredGroup.HasMinimum(format))
                BitConverter.TryWriteBytes(stored.AsSpan(offset + StoredGroup.MinimumOffset(format)), (ushort)scales[i % 5]);
        }

        float[] input = numbers.Floats(Tokens * columns);
        float[] odd = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, 3e38f, 1e-40f, -0f, 1e30f];
        for (int i = 0; i < 7; i++)
            input[columns + i * 33 + i] = odd[i];
        input.AsSpan(2 * columns, columns).Fill(1e-38f);
        input.AsSpan(3 * columns, columns).Clear();
        input.AsSpan(4 * columns, columns).Fill(-1f);
        CompareValues(format, Rows, columns, stored, input, Tokens, numbers.Floats(Rows), CpuThreads.Both);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Elementwise_EveryLength_SameBitsAsScalar(CpuWidth width)
    {
        using CpuKernels vector = new(1, width), scalar = new(1, CpuWidth.Scalar);
        for (int length = 0; length <= 257; length++)
        {
            Both(scalar, vector, length, $"SwiGlu {length}", static (kernels, numbers, length) =>
            {
                float[] gate = numbers.Floats(length, 100), up = numbers.Floats(length);
                Spice(gate);
                kernels.SwiGlu(gate, up);
                return gate;
            });
            Both(scalar, vector, length, $"Add {length}", static (kernels, numbers, length) =>
            {
                float[] target = numbers.Floats(length, 100), addend = numbers.Floats(length);
                Spice(addend);
                kernels.Add(target, addend);
                return target;
            });
            if (length == 0)
                continue;
            Both(scalar, vector, length, $"RmsNorm {length}", static (kernels, numbers, length) =>
            {
                float[] output = new float[2 * length];
                kernels.RmsNorm(numbers.Floats(2 * length, 30), numbers.Floats(length), 1e-5f, 2, output);
                return output;
            });
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void SwiGlu_EveryExponent_SameBitsAsScalar(CpuWidth width)
    {
        using CpuKernels vector = new(2, width), scalar = new(1, CpuWidth.Scalar);
        float[] gate = new float[1 << 16];
        for (int i = 0; i < gate.Length; i++)
            gate[i] = BitConverter.UInt32BitsToSingle(((uint)i << 16) | (uint)(i * 40503 & 0xFFFF));
        float[] up = [.. Enumerable.Repeat(1f, gate.Length)];
        float[] expected = [.. gate];
        scalar.SwiGlu(expected, up);
        vector.SwiGlu(gate, up);
        Bits.AssertSame(expected, gate, width.ToString());
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Rotary_BothLayouts_SameBitsAsScalar(CpuWidth width)
    {
        using CpuKernels vector = new(1, width), scalar = new(1, CpuWidth.Scalar);
        foreach (RotaryLayout layout in Enum.GetValues<RotaryLayout>())
        {
            foreach ((int size, int pairs) in new[] { (8, 4), (64, 32), (64, 16), (24, 9), (128, 64), (80, 40) })
            {
                Both(scalar, vector, size, $"Rotary {layout} {size}/{pairs}", (kernels, numbers, length) =>
                {
                    float[] values = numbers.Floats(3 * 5 * length);
                    float[] frequencies = [.. Enumerable.Range(0, pairs).Select(i => (float)HostMath.Pow(10000, -(double)i / pairs))];
                    kernels.Rotary(values, 3, 5, length, new RotaryTable(layout, frequencies), 1000);
                    return values;
                });
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Attention_AnyLength_SameBitsAsScalar(CpuWidth width)
    {
        foreach (int threads in new[] { 1, 2 })
        {
            using CpuKernels vector = new(threads, width), scalar = new(1, CpuWidth.Scalar);
            foreach (AttentionShape shape in new AttentionShape[] { new(3, 1, 64, 0.125f), new(4, 4, 8, 0.35f), new(6, 2, 24, 0.2f), new(2, 1, 128, 0.09f) })
            {
                foreach ((int first, int tokens) in new[] { (0, 1), (0, 7), (0, 64), (0, 65), (5, 1), (62, 5), (63, 1), (64, 1), (127, 2), (200, 57) })
                {
                    float[] expected = AttentionCase.Run(scalar, new TestNumbers(3), first, tokens, shape);
                    float[] actual = AttentionCase.Run(vector, new TestNumbers(3), first, tokens, shape);
                    Bits.AssertSame(expected, actual, $"{width} {shape} {first}+{tokens}");
                }
            }

            for (int length = 1; length <= 257; length += 1 + length / 16)
            {
                float[] expected = AttentionCase.Run(scalar, new TestNumbers(4), length - 1, 1, magnitude: 30f);
                float[] actual = AttentionCase.Run(vector, new TestNumbers(4), length - 1, 1, magnitude: 30f);
                Bits.AssertSame(expected, actual, $"{width} position {length - 1}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Attention_NotFinite_SameBitsAsScalar(CpuWidth width)
    {
        using CpuKernels vector = new(1, width), scalar = new(1, CpuWidth.Scalar);
        AttentionShape shape = new(2, 1, 16, 1f);
        foreach (float odd in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1e30f, 0f, -0f })
        {
            foreach (int place in new[] { 0, 3, 70 })
            {
                Action<float[], float[], float[]>[] spoils =
                [
                    (keys, _, _) => keys.AsSpan(place * 16, 16).Fill(odd),
                    (_, values, _) => values[place * 16 + 5] = odd,
                    (_, _, queries) => queries[place % 2 * 16] = odd,
                ];
                for (int i = 0; i < spoils.Length; i++)
                {
                    float[] expected = AttentionCase.Run(scalar, new TestNumbers(3), 68, 5, shape, 2f, spoils[i]);
                    float[] actual = AttentionCase.Run(vector, new TestNumbers(3), 68, 5, shape, 2f, spoils[i]);
                    Bits.AssertSame(expected, actual, $"{width} {odd} at {place} of {i}");
                    if (float.IsNaN(odd) && place == 3 && i == 0)
                        Assert.All(expected, value => Assert.True(float.IsNaN(value)));
                }
            }
        }
    }

    [Fact]
    public void Attention_ValuesInKeys_SameBitsAsStoredApartInFewerBytes()
    {
        AttentionShape apart = new(6, 1, 40, 0.2f) { ValueDimension = 24 }, within = apart with { ValuesInKeys = true };
        foreach (KernelSet kernels in new KernelSet[]
        {
            new CpuKernels(1, CpuWidth.Scalar), new CpuKernels(1, CpuWidth.Vector128), new CpuKernels(2, CpuWidth.Vector256), new CpuKernels(2, CpuWidth.Vector512),
            new Reference.ReferenceKernels(),
        })
        {
            using (kernels)
            {
                Assert.Equal(kernels.KvPageBytes(apart) * 40 / 64, kernels.KvPageBytes(within));
                foreach ((int first, int tokens) in new[] { (0, 1), (0, 70), (62, 5), (127, 1), (300, 1), (200, 57) })
                {
                    float[] expected = AttentionCase.Run(kernels, new TestNumbers(3), first, tokens, apart, 2f, Fill);
                    float[] actual = AttentionCase.Run(kernels, new TestNumbers(3), first, tokens, within, 2f, Fill);
                    Bits.AssertSame(expected, actual, $"{kernels.NumericsClass} {first}+{tokens}");
                }
            }
        }

        static void Fill(float[] keys, float[] values, float[] queries)
        {
            new TestNumbers(5).Floats(queries.Length, 2f).CopyTo(queries.AsSpan());
            for (int i = 0; i < values.Length; i++)
                values[i] = keys[i / 24 * 40 + 16 + i % 24];
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(64)]
    public void Attention_AnyChunking_SameBits(int chunk)
    {
        using CpuKernels kernels = new(2);
        float[] whole = Chunked(kernels, 150), parts = Chunked(kernels, chunk);
        Bits.AssertSame(whole, parts, $"chunks of {chunk}");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void MatMul_AnyBatch_SameBitsAsTokenByToken(WeightFormat format)
    {
        const int Rows = 48, Tokens = 37;
        int columns = WeightFormats.GroupLength(format) == 256 ? 512 : 224;
        TestNumbers numbers = new(9);
        byte[] stored = numbers.Rows(format, Rows, columns);
        float[] input = numbers.Floats(Tokens * columns), together = new float[Tokens * Rows], single = new float[Tokens * Rows];
        using CpuKernels kernels = new(2);
        using WeightMatrix weights = TestNumbers.Pack(kernels, format, stored, Rows, columns);
        kernels.MatMul(weights, input, Tokens, default, together);
        for (int token = 0; token < Tokens; token++)
            kernels.MatMul(weights, input.AsSpan(token * columns, columns), 1, default, single.AsSpan(token * Rows, Rows));
        Bits.AssertSame(single, together, format.ToString());
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void StoreKeyValues_EveryMagnitude_SameHalvesAsScalar(CpuWidth width)
    {
        using CpuKernels vector = new(1, width), scalar = new(1, CpuWidth.Scalar);
        AttentionShape shape = new(1, 1, 64, 1f);
        float[] values = new float[64 * 64];
        for (int i = 0; i < values.Length; i++)
            values[i] = BitConverter.UInt32BitsToSingle(((uint)i << 20) ^ (uint)(i * 2654435761u >> 12));
        Assert.Equal(StoredPage(scalar, shape, values), StoredPage(vector, shape, values));
    }

    private static unsafe byte[] StoredPage(CpuKernels kernels, AttentionShape shape, float[] values)
    {
        byte[] page = new byte[kernels.KvPageBytes(shape)];
        fixed (byte* pointer = page)
            kernels.StoreKeyValues(shape, [(nint)pointer], 0, 0, 64, values, values);
        return page;
    }

    private static unsafe float[] Chunked(CpuKernels kernels, int chunk)
    {
        const int Total = 150;
        AttentionShape shape = AttentionCase.Shape;
        TestNumbers numbers = new(6);
        int width = shape.KeyValueHeads * shape.HeadDimension, queryWidth = shape.Heads * shape.HeadDimension;
        float[] keys = numbers.Floats(Total * width), values = numbers.Floats(Total * width), queries = numbers.Floats(Total * queryWidth);
        float[] output = new float[queries.Length];
        byte[][] pages = [.. Enumerable.Range(0, 3).Select(_ => GC.AllocateArray<byte>(kernels.KvPageBytes(shape), pinned: true))];
        nint[] addresses = [.. pages.Select(page => (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref page[0]))];
        for (int first = 0; first < Total; first += chunk)
        {
            int count = Math.Min(chunk, Total - first);
            kernels.StoreKeyValues(shape, addresses, 0, first, count, keys.AsSpan(first * width, count * width), values.AsSpan(first * width, count * width));
            kernels.Attention(shape, addresses, 0, first, count, queries.AsSpan(first * queryWidth, count * queryWidth), output.AsSpan(first * queryWidth, count * queryWidth));
        }

        GC.KeepAlive(pages);
        return output;
    }

    private static void Spice(float[] values)
    {
        float[] odd = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f, 1e-42f, -88f, 88.8f, 3e38f];
        for (int i = 0; i < values.Length; i += 11)
            values[i] = odd[i / 11 % odd.Length];
    }

    private static void Both(CpuKernels scalar, CpuKernels vector, int length, string what, Func<CpuKernels, TestNumbers, int, float[]> compute) =>
        Bits.AssertSame(compute(scalar, new TestNumbers((ulong)length), length), compute(vector, new TestNumbers((ulong)length), length), $"{vector.Width} {what}");

    private static void Compare(WeightFormat format, int rows, int columns, int tokens, CpuThreads threads)
    {
        TestNumbers numbers = new((ulong)(rows * 1000 + columns));
        CompareValues(format, rows, columns, numbers.Rows(format, rows, columns), numbers.Floats(tokens * columns, 3), tokens, numbers.Floats(rows), threads);
    }

    private static void CompareValues(WeightFormat format, int rows, int columns, byte[] stored, float[] input, int tokens, float[] bias, CpuThreads threads)
    {
        using CpuKernels scalar = new(1, CpuWidth.Scalar);
        using WeightMatrix weights = TestNumbers.Pack(scalar, format, stored, rows, columns);
        float[] expected = new float[tokens * rows];
        scalar.MatMul(weights, input, tokens, bias, expected);
        foreach (CpuWidth width in s_widths)
        {
            foreach (int count in threads == CpuThreads.Both ? (int[])[1, 2] : [2])
            {
                using CpuKernels vector = new(count, width);
                float[] actual = new float[tokens * rows];
                vector.MatMul(weights, input, tokens, bias, actual);
                Bits.AssertSame(expected, actual, $"{format} {rows}x{columns} tokens {tokens} {width} threads {count}");
                if (WeightFormats.GroupLength(format) == 1)
                    continue;
                vector.TakesDots = !vector.TakesDots;
                vector.MatMul(weights, input, tokens, bias, actual);
                Bits.AssertSame(expected, actual, $"{format} {rows}x{columns} tokens {tokens} {width} threads {count} dots {vector.TakesDots}");
            }
        }
    }

    private enum CpuThreads
    {
        Two,
        Both,
    }
}
