namespace Swarm.Kernels.Tests;

public sealed class KernelMathTests
{
    [Fact]
    public void Exp_AllOverTheRange_WithinTwoUnits() => AssertUnits(KernelMath.Exp, Math.Exp, Sweep().Where(x => x is >= -87.33654f and <= 88.72283f));

    [Fact]
    public void Reciprocal_AllOverTheRange_WithinTwoUnits() =>
        AssertUnits(KernelMath.Reciprocal, x => 1 / x, Sweep().Where(x => MathF.Abs(x) is >= 1.17549435e-38f and <= 8.507059e37f));

    [Fact]
    public void ReciprocalSqrt_AllOverTheRange_WithinTwoUnits() =>
        AssertUnits(KernelMath.ReciprocalSqrt, x => 1 / Math.Sqrt(x), Sweep().Where(x => x is >= 1.17549435e-38f and < float.PositiveInfinity));

    [Fact]
    public void Sigmoid_AllOverTheRange_WithinFourUnits() =>
        AssertUnits(KernelMath.Sigmoid, x => 1 / (1 + Math.Exp(-x)), Sweep().Where(x => MathF.Abs(x) <= 87.3f), 4);

    [Fact]
    public void Tanh_AllOverTheRange_WithinThreeUnits() => AssertUnits(KernelMath.Tanh, Math.Tanh, Sweep().Where(x => !float.IsNaN(x)), 3);

    [Fact]
    public void HostTanh_AllOverTheRange_IsCloseToTheRuntimes()
    {
        TestNumbers numbers = new(3);
        for (int i = 0; i < 100_000; i++)
        {
            double x = numbers.Uniform(i % 2 == 0 ? 20 : 1);
            AssertNear(Math.Tanh(x), HostMath.Tanh(x), 1e-15);
        }
    }

    [Theory]
    [InlineData(float.NaN, float.NaN)]
    [InlineData(float.NegativeInfinity, 0f)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(-87.33655f, 0f)]
    [InlineData(88.72284f, float.PositiveInfinity)]
    [InlineData(0f, 1f)]
    [InlineData(1e-40f, 1f)]
    public void Exp_Corner_IsAsStated(float x, float expected) => Assert.True(Bits.Same(expected, KernelMath.Exp(x)));

    [Theory]
    [InlineData(float.NaN, float.NaN)]
    [InlineData(0f, float.PositiveInfinity)]
    [InlineData(-0f, float.NegativeInfinity)]
    [InlineData(-1e-39f, float.NegativeInfinity)]
    [InlineData(1e38f, 0f)]
    [InlineData(float.NegativeInfinity, -0f)]
    [InlineData(2f, 0.5f)]
    public void Reciprocal_Corner_IsAsStated(float x, float expected) => Assert.True(Bits.Same(expected, KernelMath.Reciprocal(x)));

    [Theory]
    [InlineData(float.NaN, float.NaN)]
    [InlineData(0f, float.PositiveInfinity)]
    [InlineData(-1e-39f, float.PositiveInfinity)]
    [InlineData(1e-39f, float.PositiveInfinity)]
    [InlineData(-1f, float.NaN)]
    [InlineData(float.PositiveInfinity, 0f)]
    [InlineData(float.NegativeInfinity, float.NaN)]
    [InlineData(4f, 0.5f)]
    public void ReciprocalSqrt_Corner_IsAsStated(float x, float expected) => Assert.True(Bits.Same(expected, KernelMath.ReciprocalSqrt(x)));

    [Theory]
    [InlineData(float.NaN, float.NaN)]
    [InlineData(float.PositiveInfinity, 1f)]
    [InlineData(float.NegativeInfinity, 0f)]
    [InlineData(0f, 0.5f)]
    [InlineData(-100f, 0f)]
    public void Sigmoid_Corner_IsAsStated(float x, float expected) => Assert.True(Bits.Same(expected, KernelMath.Sigmoid(x)));

    [Theory]
    [InlineData(float.NaN, float.NaN)]
    [InlineData(float.PositiveInfinity, 1f)]
    [InlineData(float.NegativeInfinity, -1f)]
    [InlineData(0f, 0f)]
    [InlineData(-100f, -1f)]
    [InlineData(1e-40f, 1e-40f)]
    public void Tanh_Corner_IsAsStated(float x, float expected)
    {
        Assert.True(Bits.Same(expected, KernelMath.Tanh(x)));
        Assert.True(Bits.Same(-expected, KernelMath.Tanh(-x)));
    }

    [Fact]
    public void SinAndCos_UpToTenMillion_RoundToTheFloatsOfTheRuntime()
    {
        TestNumbers numbers = new(1);
        for (int i = 0; i < 200_000; i++)
        {
            float x = numbers.Uniform(i % 4 == 0 ? 1e7f : i % 4 == 1 ? 1e4f : i % 4 == 2 ? 4f : 1e-3f);
            AssertNear(Math.Sin(x), HostMath.Sin(x), 2e-15);
            AssertNear(Math.Cos(x), HostMath.Cos(x), 2e-15);
        }

        for (int n = 1; n < 6_300_000; n += 997)
        {
            // Nearest floats to multiples of a right angle: where a careless reduction loses everything.
            float x = (float)(n * (Math.PI / 2));
            Assert.Equal((float)Math.Sin(x), (float)HostMath.Sin(x), UnitsApart);
            Assert.Equal((float)Math.Cos(x), (float)HostMath.Cos(x), UnitsApart);
        }

        Assert.True(double.IsNaN(HostMath.Sin(1e9)));
        Assert.True(double.IsNaN(HostMath.Cos(double.NaN)));
    }

    [Fact]
    public void ExpLogPow_RandomArguments_AreCloseToTheRuntimes()
    {
        TestNumbers numbers = new(2);
        for (int i = 0; i < 100_000; i++)
        {
            double x = numbers.Uniform(700);
            Assert.True(Math.Abs(HostMath.Exp(x) / Math.Exp(x) - 1) < 2e-15, $"exp {x}");
            double positive = Math.Exp(x) * (1 + numbers.Uniform() / 2);
            AssertNear(Math.Log(positive), HostMath.Log(positive), 1e-15 * Math.Max(1, Math.Abs(Math.Log(positive))));
            double theta = 10_000 + (numbers.Next() % 1_000_000), exponent = numbers.Uniform();
            Assert.True(Math.Abs(HostMath.Pow(theta, exponent) / Math.Pow(theta, exponent) - 1) < 2e-14, $"pow {theta} {exponent}");
        }

        Assert.Equal(0, HostMath.Exp(-1000));
        Assert.Equal(double.PositiveInfinity, HostMath.Exp(1000));
        Assert.Equal(double.NegativeInfinity, HostMath.Log(0));
        Assert.True(double.IsNaN(HostMath.Log(-1)));
        Assert.Equal(Math.Log(double.Epsilon), HostMath.Log(double.Epsilon), 1e-12);
    }

    private static bool UnitsApart(float a, float b) => Math.Abs(BitConverter.SingleToInt32Bits(a) - BitConverter.SingleToInt32Bits(b)) <= 1;

    private static void AssertNear(double expected, double actual, double tolerance) =>
        Assert.True(Math.Abs(expected - actual) <= tolerance, $"expected {expected:R}, got {actual:R}");

    // Every exponent and sign, some 500 significands of each.
    private static IEnumerable<float> Sweep()
    {
        for (ulong bits = 0; bits <= uint.MaxValue; bits += 16_411)
            yield return BitConverter.UInt32BitsToSingle((uint)bits);
    }

    private static void AssertUnits(Func<float, float> function, Func<double, double> exact, IEnumerable<float> arguments, double limit = 2)
    {
        int count = 0;
        foreach (float x in arguments)
        {
            double expected = exact(x);
            float rounded = (float)expected;
            double unit = Math.Max(Math.BitIncrement(0f), MathF.BitIncrement(MathF.Abs(rounded)) - (double)MathF.Abs(rounded));
            double apart = Math.Abs(function(x) - expected) / unit;
            Assert.True(apart <= limit, $"f({x:R}) = {function(x):R}, exactly {expected:R}: {apart:f2} units");
            count++;
        }

        Assert.True(count > 50_000, $"only {count} arguments");
    }
}
