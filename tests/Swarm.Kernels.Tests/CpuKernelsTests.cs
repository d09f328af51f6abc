using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Swarm.Kernels.Cpu;

namespace Swarm.Kernels.Tests;

public sealed class CpuKernelsTests
{
    [Fact]
    public void BestWidth_ThisProcessor_IsTheWidestItHas()
    {
        CpuWidth expected = Avx512BW.IsSupported ? CpuWidth.Vector512
            : Avx2.IsSupported ? CpuWidth.Vector256
            : Vector128.IsHardwareAccelerated ? CpuWidth.Vector128
            : CpuWidth.Scalar;
        using CpuKernels kernels = new(1);
        Assert.Equal(expected, kernels.Width);
        Assert.Equal("canonical-1", kernels.NumericsClass);
    }

    [SkippableFact]
    public void MatMul_WithVectors_TakesTheFastPath()
    {
        Skip.If(CpuKernels.BestWidth == CpuWidth.Scalar, "this process has no vectors");
        using CpuKernels kernels = new(2);
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            Multiply(kernels, format, 64, 256, 3);
        Assert.Equal(16, kernels.Counters.MatMulVector);
        Assert.Equal(16, kernels.Counters.MatMulBatched);
        Assert.Equal(16, kernels.Counters.MatMulDivided);
        Assert.Equal(0, kernels.Counters.MatMulScalar);
        AttentionCase.Run(kernels, new TestNumbers(1), 3, 2);
        Assert.Equal(1, kernels.Counters.AttentionVector);
    }

    [Theory]
    [InlineData(CpuWidth.Vector128, 3, 0)]
    [InlineData(CpuWidth.Vector128, 4, 13)]
    [InlineData(CpuWidth.Vector256, 3, 0)]
    [InlineData(CpuWidth.Vector256, 4, 13)]
    [InlineData(CpuWidth.Vector256, 70, 13)]
    [InlineData(CpuWidth.Vector512, 16, 0)]
    public void MatMul_QuantizedBatch_TakesSquaresFromFourTokensOn(CpuWidth width, int tokens, int expected)
    {
        using CpuKernels kernels = new(1, width);
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            Multiply(kernels, format, 16, 256, tokens);
        Assert.Equal(expected, kernels.Counters.MatMulSquares);
    }

    [Theory]
    [InlineData(CpuWidth.Vector128)]
    [InlineData(CpuWidth.Vector256)]
    [InlineData(CpuWidth.Vector512)]
    public void MatMul_QuantizedWithDots_CountsDots(CpuWidth width)
    {
        using CpuKernels kernels = new(1, width);
        Assert.Equal(width switch { CpuWidth.Vector128 => Width128.HasDot, CpuWidth.Vector256 => Width256.HasDot, _ => false }, kernels.TakesDots);
        foreach (bool dots in new[] { false, true })
        {
            kernels.TakesDots = dots;
            foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
                Multiply(kernels, format, 16, 256, 5);
            Assert.Equal(dots ? 3 : 0, kernels.Counters.MatMulDots);
        }
    }

    [Theory]
    [InlineData(CpuWidth.Scalar, 0)]
    [InlineData(CpuWidth.Vector128, 1)]
    [InlineData(CpuWidth.Vector256, 1)]
    [InlineData(CpuWidth.Vector512, 1)]
    public void MatMul_FormatsOfIntegerScalesBitsOrTables_CountsThemWhereVectorsServe(CpuWidth width, int each)
    {
        using CpuKernels kernels = new(1, width);
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
        {
            long before = kernels.Counters.MatMulScaled;
            Multiply(kernels, format, 16, 256, 1);
            Assert.Equal(before + (format >= WeightFormat.Q5_0 ? each : 0), kernels.Counters.MatMulScaled);
        }
    }

    [Fact]
    public void MatMul_ScaleThatIsNoNumber_IsNotCountedAsTakenByVectors()
    {
        using CpuKernels kernels = new(1);
        byte[] stored = new TestNumbers(1).Rows(WeightFormat.Q6_K, 16, 256);
        stored[5 * 210 + 209] = 0x7E;
        using WeightMatrix weights = TestNumbers.Pack(kernels, WeightFormat.Q6_K, stored, 16, 256);
        float[] output = new float[16];
        kernels.MatMul(weights, new float[256], 1, default, output);
        Assert.Equal(0, kernels.Counters.MatMulScaled);
        Assert.Equal([5], Enumerable.Range(0, 16).Where(row => float.IsNaN(output[row])));
    }

    [Fact]
    public void Kernels_OnAProcessorWithDots_TakeThem()
    {
        using CpuKernels kernels = new(1);
        Assert.Equal(Width256.HasDot || (kernels.Width == CpuWidth.Vector128 && Width128.HasDot), kernels.TakesDots);
    }

    [Fact]
    public void Dots_AnyBytes_AreTheSumsOfFourProducts()
    {
        TestNumbers numbers = new(9);
        for (int round = 0; round < 1000; round++)
        {
            Vector256<byte> w = Vector256.Create(numbers.Next(), numbers.Next(), numbers.Next(), numbers.Next()).AsByte();
            Vector256<byte> x = Vector256.Max(Vector256.Create(numbers.Next(), numbers.Next(), numbers.Next(), numbers.Next()).AsSByte(), Vector256.Create((sbyte)-127)).AsByte();
            Vector256<byte> sum = Vector256.Create(numbers.Next(), numbers.Next(), numbers.Next(), numbers.Next()).AsByte();
            if (round < 10)
                (w, x) = (Vector256.Create((byte)0x80), Vector256.Create((byte)(round % 2 == 0 ? 127 : -127 & 0xFF)));
            Vector256<byte> low = w & Vector256.Create((byte)15);
            Vector256<byte> signed = Width256.DotSigned(sum, w, Width256.Magnitude(w), x), unsigned = Width256.DotUnsigned(sum, low, x);
            for (int lane = 0; lane < 8; lane++)
            {
                Assert.Equal(Dot(sum, w, x, lane), signed.AsInt32()[lane]);
                Assert.Equal(Dot(sum, low, x, lane), unsigned.AsInt32()[lane]);
            }

            Assert.Equal(signed.GetLower(), Width128.DotSigned(sum.GetLower(), w.GetLower(), Width128.Magnitude(w.GetLower()), x.GetLower()));
            Assert.Equal(unsigned.GetLower(), Width128.DotUnsigned(sum.GetLower(), low.GetLower(), x.GetLower()));
            Vector512<byte> wide = Vector512.Create(w, w), wideX = Vector512.Create(x, x), wideSum = Vector512.Create(sum, sum);
            Assert.Equal(signed, Width512.DotSigned(wideSum, wide, Width512.Magnitude(wide), wideX).GetUpper());
            Assert.Equal(unsigned, Width512.DotUnsigned(wideSum, Vector512.Create(low, low), wideX).GetUpper());
        }

        static int Dot(Vector256<byte> sum, Vector256<byte> w, Vector256<byte> x, int lane)
        {
            int total = sum.AsInt32()[lane];
            for (int i = lane * 4; i < lane * 4 + 4; i++)
                total = unchecked(total + w.AsSByte()[i] * x.AsSByte()[i]);
            return total;
        }
    }

    [Fact]
    public void MatMul_ScalarForced_CountsScalar()
    {
        using CpuKernels kernels = new(1, CpuWidth.Scalar);
        Multiply(kernels, WeightFormat.Q4_0, 16, 32, 1);
        Assert.Equal(1, kernels.Counters.MatMulScalar);
        Assert.Equal(0, kernels.Counters.MatMulVector + kernels.Counters.MatMulBatched + kernels.Counters.MatMulDivided);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public unsafe void Operations_AfterTheFirstCall_AllocateNothing(int threads)
    {
        using CpuKernels kernels = new(threads);
        TestNumbers numbers = new(1);
        AttentionShape shape = AttentionCase.Shape;
        byte[] stored = numbers.Rows(WeightFormat.Q4_0, 600, 1024), storedFloats = numbers.Rows(WeightFormat.F16, 64, 1024);
        using WeightMatrix weights = TestNumbers.Pack(kernels, WeightFormat.Q4_0, stored, 600, 1024);
        using WeightMatrix floats = TestNumbers.Pack(kernels, WeightFormat.F16, storedFloats, 64, 1024);
        float[] input = numbers.Floats(40 * 1024), output = new float[40 * 600], outputFloats = new float[40 * 64];
        float[] heads = numbers.Floats(40 * shape.Heads * shape.HeadDimension), attended = new float[heads.Length];
        float[] keys = numbers.Floats(40 * shape.KeyValueHeads * shape.HeadDimension);
        RotaryTable table = new(RotaryLayout.HalfSplit, [1f, 0.1f, 0.01f, 0.001f]);
        nint page = (nint)NativeMemory.AlignedAlloc((nuint)kernels.KvPageBytes(shape), 64);
        nint[] pages = [page];
        try
        {
            Step();
            long before = GC.GetAllocatedBytesForCurrentThread();
            Step();
            Step();
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        finally
        {
            NativeMemory.AlignedFree((void*)page);
        }

        void Step()
        {
            kernels.MatMul(weights, input, 40, default, output);
            kernels.MatMul(weights, input.AsSpan(0, 1024), 1, default, output.AsSpan(0, 600));
            kernels.MatMul(floats, input, 40, default, outputFloats);
            kernels.RmsNorm(input, keys.AsSpan(0, 1024), 1e-5f, 40, input);
            kernels.Rotary(heads, 40, shape.Heads, shape.HeadDimension, table, 0);
            kernels.StoreKeyValues(shape, pages, 0, 0, 40, keys, keys);
            kernels.Attention(shape, pages, 0, 0, 40, heads, attended);
            kernels.SwiGlu(outputFloats, outputFloats);
            kernels.Add(outputFloats, outputFloats);
        }
    }

    [Fact]
    public void TryParse_EveryName_FindsTheFormatAndNoOther()
    {
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
        {
            Assert.True(WeightFormats.TryParse(WeightFormats.Name(format), out WeightFormat found));
            Assert.Equal(format, found);
            Assert.True(WeightFormats.TryParse(format.ToString(), out found));
            Assert.Equal(format, found);
        }

        Assert.False(WeightFormats.TryParse("q4_k_m", out _));
        Assert.False(WeightFormats.TryParse("10", out _));
    }

    [Fact]
    public void Pack_EveryFormat_TakesLittleMoreThanTheStoredBytes()
    {
        // Scales of 6 bits take 8; of IQ4_XS they take 16.
        Dictionary<WeightFormat, int> more = new() { [WeightFormat.Q3_K] = 64, [WeightFormat.Q4_K] = 64, [WeightFormat.Q5_K] = 64, [WeightFormat.IQ4_XS] = 160 };
        using CpuKernels kernels = new(1);
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
        {
            byte[] stored = new TestNumbers(1).Rows(format, 64, 512);
            using WeightMatrix weights = TestNumbers.Pack(kernels, format, stored, 64, 512);
            Assert.Equal(stored.Length + 64 / 16 * (512 / 256) * more.GetValueOrDefault(format), weights.ResidentBytes);
            Assert.Equal(weights.ResidentBytes, WeightFormats.HeldBytes(format, 64, 512));
        }
    }

    [Fact]
    public void Arguments_OfWrongShape_AreRefusedBeforeAnythingIsRead()
    {
        using CpuKernels kernels = new(1);
        byte[] stored = new TestNumbers(1).Rows(WeightFormat.Q8_0, 16, 64);
        using WeightMatrix weights = TestNumbers.Pack(kernels, WeightFormat.Q8_0, stored, 16, 64);
        Assert.Throws<ArgumentException>(() => kernels.MatMul(weights, new float[63], 1, default, new float[16]));
        Assert.Throws<ArgumentException>(() => kernels.MatMul(weights, new float[64], 1, default, new float[17]));
        Assert.Throws<ArgumentException>(() => kernels.MatMul(weights, new float[64], 1, new float[15], new float[16]));
        Assert.ThrowsAny<ArgumentException>(() => kernels.MatMul(weights, [], -1, default, []));
        Assert.Throws<ArgumentException>(() => kernels.Pack(WeightFormat.Q8_0, 16, 33, (_, _) => stored));
        Assert.Throws<ArgumentException>(() => kernels.Pack(WeightFormat.Q8_0, 16, 64, (_, _) => stored.AsSpan(1)));
        Assert.ThrowsAny<ArgumentException>(() => kernels.Pack(WeightFormat.Q8_0, 0, 64, (_, _) => stored));
        Assert.ThrowsAny<ArgumentException>(() => weights.CopyRow(16, new float[64]));
        Assert.ThrowsAny<ArgumentException>(() => weights.CopyRow(-1, new float[64]));
        Assert.Throws<ArgumentException>(() => weights.CopyRow(0, new float[63]));
        Assert.Throws<ArgumentException>(() => kernels.RmsNorm(new float[10], new float[4], 1e-5f, 2, new float[10]));
        Assert.Throws<ArgumentException>(() => kernels.SwiGlu(new float[4], new float[5]));
        Assert.Throws<ArgumentException>(() => kernels.Add(new float[4], new float[3]));
        Assert.Throws<ArgumentException>(() => kernels.Rotary(new float[16], 1, 2, 8, new RotaryTable(RotaryLayout.HalfSplit, new float[5]), 0));
        Assert.Throws<ArgumentException>(() => kernels.KvPageBytes(new AttentionShape(3, 2, 8, 1)));
        Assert.Throws<ArgumentException>(() => kernels.KvPageBytes(new AttentionShape(2, 2, 12, 1)));
        Assert.Throws<ArgumentException>(() => kernels.KvPageBytes(new AttentionShape(2, 2, 8, 1) { ValueDimension = 12 }));
        Assert.Throws<ArgumentException>(() => kernels.KvPageBytes(new AttentionShape(2, 2, 8, 1) { Window = -1 }));
        Assert.Throws<ArgumentException>(() => kernels.KvPageBytes(new AttentionShape(2, 2, 8, 1) { SoftCap = float.NaN }));
        Assert.Throws<ArgumentException>(() => kernels.KvPageBytes(new AttentionShape(2, 2, 8, 1) { Slopes = [1] }));
        Assert.Throws<ArgumentException>(() => kernels.KvPageBytes(new AttentionShape(2, 2, 8, 1) { Sinks = [1, 2, 3] }));
        Assert.Throws<ArgumentException>(() => kernels.Attention(new AttentionShape(1, 1, 8, 1), [], 0, 0, 1, new float[8], new float[8]));
        Assert.Throws<ArgumentException>(() => kernels.StoreKeyValues(new AttentionShape(1, 1, 8, 1), [1], 0, 64, 1, new float[8], new float[8]));
    }

    [Fact]
    public void MatMul_WeightsOfAnotherSet_AreRefused()
    {
        using CpuKernels kernels = new(1);
        using Reference.ReferenceKernels reference = new();
        byte[] stored = new TestNumbers(1).Rows(WeightFormat.F32, 4, 4);
        using WeightMatrix a = TestNumbers.Pack(kernels, WeightFormat.F32, stored, 4, 4), b = TestNumbers.Pack(reference, WeightFormat.F32, stored, 4, 4);
        Assert.Throws<ArgumentException>(() => kernels.MatMul(b, new float[4], 1, default, new float[4]));
        Assert.Throws<ArgumentException>(() => reference.MatMul(a, new float[4], 1, default, new float[4]));
    }

    [Fact]
    public void Weights_Disposed_AreRefused()
    {
        using CpuKernels kernels = new(1);
        using Reference.ReferenceKernels reference = new();
        byte[] stored = new TestNumbers(1).Rows(WeightFormat.F32, 4, 4);
        foreach (KernelSet set in new KernelSet[] { kernels, reference })
        {
            WeightMatrix weights = TestNumbers.Pack(set, WeightFormat.F32, stored, 4, 4);
            weights.Dispose();
            Assert.Throws<ObjectDisposedException>(() => set.MatMul(weights, new float[4], 1, default, new float[4]));
            Assert.Throws<ObjectDisposedException>(() => weights.CopyRow(0, new float[4]));
        }
    }

    [Fact]
    public void PairsPortable_AnyBytes_EqualsTheInstructions()
    {
        TestNumbers numbers = new(8);
        for (int round = 0; round < 1000; round++)
        {
            Vector128<byte> w = Vector128.Create(numbers.Next(), numbers.Next()).AsByte();
            Vector128<byte> x = Vector128.Max(Vector128.Create(numbers.Next(), numbers.Next()).AsSByte(), Vector128.Create((sbyte)-127)).AsByte();
            if (round < 10)
                w = Vector128.Create((byte)0x80);
            Assert.Equal(Width128.PairsPortable(w, x), Width128.PairsSigned(w, Width128.Magnitude(w), x));
            w &= Vector128.Create((byte)15);
            Assert.Equal(Width128.PairsPortable(w, x), Width128.PairsUnsigned(w, x));
        }
    }

    private static void Multiply(CpuKernels kernels, WeightFormat format, int rows, int columns, int tokens)
    {
        TestNumbers numbers = new(1);
        using WeightMatrix weights = TestNumbers.Pack(kernels, format, numbers.Rows(format, rows, columns), rows, columns);
        kernels.MatMul(weights, numbers.Floats(tokens * columns), tokens, default, new float[tokens * rows]);
    }
}
