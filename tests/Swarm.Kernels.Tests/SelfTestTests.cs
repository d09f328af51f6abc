using System.Globalization;
using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;

namespace Swarm.Kernels.Tests;

public sealed class SelfTestTests
{
    [Theory]
    [InlineData(CpuWidth.Scalar)]
    [InlineData(CpuWidth.Vector128)]
    [InlineData(CpuWidth.Vector256)]
    [InlineData(CpuWidth.Vector512)]
    public void Run_EveryWidth_Passes(CpuWidth width)
    {
        using CpuKernels kernels = new(2, width);
        SelfTest.Run(kernels);
    }

    [Fact]
    public void Pack_FirstMatrixOfAFormat_AsksForItsAnswer()
    {
        using CpuKernels kernels = new(1);
        SelfTest.Run(kernels, withFormats: false);
        Assert.Equal(1L << (int)WeightFormat.Q8_0, kernels.CheckedFormats);
        using WeightMatrix matrix = kernels.Pack(WeightFormat.Q6_K, 1, 256, (_, _) => new byte[WeightFormats.RowBytes(WeightFormat.Q6_K, 256)]);
        Assert.Equal((1L << (int)WeightFormat.Q8_0) | (1L << (int)WeightFormat.Q6_K), kernels.CheckedFormats);
    }

    [Fact]
    public void Run_Reference_Passes()
    {
        using ReferenceKernels kernels = new();
        SelfTest.Run(kernels);
    }

    [Theory]
    [InlineData("canonical-1")]
    [InlineData("other")]
    public void Run_OneWrongOperation_NamesIt(string numericsClass)
    {
        using WrongAdd kernels = new(numericsClass);
        Assert.Equal("add", Assert.Throws<NumericsException>(() => SelfTest.Run(kernels)).Operation);
    }

    [Fact]
    public void Page_EveryVector_IsWhatTheScalarFormGives()
    {
        Dictionary<string, string[]> listed = [];
        foreach (string line in File.ReadLines(PagePath()))
        {
            string[] cells = [.. line.Split('|', StringSplitOptions.TrimEntries)];
            if (cells.Length == 6 && cells[3].Length == 18 && cells[3].StartsWith('`'))
                listed.Add(cells[1].Trim('`'), cells);
        }

        using CpuKernels scalar = new(1, CpuWidth.Scalar);
        int count = 0;
        foreach ((string name, uint[] output) in KnownAnswers.Compute(scalar))
        {
            Assert.True(listed.TryGetValue(name, out string[]? cells), $"{name} is not on the page");
            Assert.Equal(output.Length, int.Parse(cells[2], CultureInfo.InvariantCulture));
            Assert.Equal(KnownAnswers.Hash(output), ulong.Parse(cells[3].Trim('`'), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            Assert.Equal(string.Join(' ', output.Take(6).Select(value => value.ToString("x8", CultureInfo.InvariantCulture))), cells[4].Trim('`'));
            Assert.Equal(KnownAnswers.Hashes[name], KnownAnswers.Hash(output));
            count++;
        }

        Assert.Equal(listed.Count, count);
        Assert.Equal(KnownAnswers.Hashes.Count, count);
    }

    private static string PagePath()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Swarm.sln")))
            folder = folder.Parent;
        return Path.Combine(folder!.FullName, "docs", "canonical-1.md");
    }

    /// <summary>canonical-1 but for one bit of one sum.</summary>
    private sealed class WrongAdd(string numericsClass) : KernelSet
    {
        private readonly CpuKernels _inner = new(1);

        public override string NumericsClass => numericsClass;

        public override int Threads => 1;

        public override WeightMatrix Pack(WeightFormat format, int rows, int columns, RowReader source) => _inner.Pack(format, rows, columns, source);

        public override void MatMul(WeightMatrix weights, ReadOnlySpan<float> input, int tokens, ReadOnlySpan<float> bias, Span<float> output) =>
            _inner.MatMul(weights, input, tokens, bias, output);

        public override void RmsNorm(ReadOnlySpan<float> input, ReadOnlySpan<float> weight, float epsilon, int tokens, Span<float> output) =>
            _inner.RmsNorm(input, weight, epsilon, tokens, output);

        public override void Rotary(Span<float> values, int tokens, int heads, int headDimension, RotaryTable table, int firstPosition) =>
            _inner.Rotary(values, tokens, heads, headDimension, table, firstPosition);

        public override void LayerNorm(
            ReadOnlySpan<float> input, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, int tokens, Span<float> output) =>
            _inner.LayerNorm(input, weight, bias, epsilon, tokens, output);

        public override void LayerNormRow(ReadOnlySpan<float> input, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, Span<float> output) =>
            _inner.LayerNormRow(input, weight, bias, epsilon, output);

        public override void Gate(Activation activation, Span<float> gate, ReadOnlySpan<float> up) => _inner.Gate(activation, gate, up);

        public override void Activate(Activation activation, Span<float> values) => _inner.Activate(activation, values);

        public override void Scale(Span<float> values, float factor) => _inner.Scale(values, factor);

        public override void SoftCap(Span<float> values, float cap) => _inner.SoftCap(values, cap);

        public override void Add(Span<float> target, ReadOnlySpan<float> addend)
        {
            _inner.Add(target, addend);
            target[40] = numericsClass == "canonical-1" ? MathF.BitIncrement(target[40]) : target[40] + 1;
        }

        public override void Route(
            in RouterShape shape, ReadOnlySpan<float> logits, int tokens, ReadOnlySpan<float> correction, Span<int> experts, Span<float> weights) =>
            _inner.Route(shape, logits, tokens, correction, experts, weights);

        public override void AddScaledRows(Span<float> target, ReadOnlySpan<int> rows, ReadOnlySpan<float> source, ReadOnlySpan<float> factors) =>
            _inner.AddScaledRows(target, rows, source, factors);

        public override void ClampedSwiGlu(Span<float> gate, ReadOnlySpan<float> up, float alpha, float limit) => _inner.ClampedSwiGlu(gate, up, alpha, limit);

        public override int KvPageBytes(in AttentionShape shape) => _inner.KvPageBytes(shape);

        public override void StoreKeyValues(
            in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int firstPosition, int tokens, ReadOnlySpan<float> keys, ReadOnlySpan<float> values) =>
            _inner.StoreKeyValues(shape, pages, pageOffset, firstPosition, tokens, keys, values);

        public override void Attention(
            in AttentionShape shape, ReadOnlySpan<nint> pages, long pageOffset, int firstPosition, int tokens, ReadOnlySpan<float> queries, Span<float> output) =>
            _inner.Attention(shape, pages, pageOffset, firstPosition, tokens, queries, output);

        protected override void Dispose(bool disposing) => _inner.Dispose();
    }
}
