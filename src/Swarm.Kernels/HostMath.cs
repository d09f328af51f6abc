namespace Swarm.Kernels;

/// <summary>
/// Elementary functions in double, the same on every platform, for tables that the host makes: +, −, ×, ÷ (correctly rounded everywhere)
/// and bit operations only, with power series after a reduction of the argument.
/// </summary>
public static class HostMath
{
    // π/2 in three parts of 30, 30 and 53 bits: a product with an integer below 2^23 is exact in the first two.
    private const double HalfPi1 = 1.570796325802803;
    private const double HalfPi2 = 9.920935791635221e-10;
    private const double HalfPi3 = 5.170182981794105e-19;
    private const double TwoOverPi = 0.6366197723675814;
    private const double LnTwoHigh = 0.6931471803691238; // 32 bits
    private const double LnTwoLow = 1.9082149292705877e-10;
    private const double Log2E = 1.4426950408889634;
    private const double RoundingMagic = 6755399441055744.0; // 1.5 × 2^52

    /// <summary>Sine of x radians; error below 1e-15 for |x| ≤ 1e7.</summary>
    public static double Sin(double x) => Quadrant(x, 0);

    /// <summary>Cosine of x radians; error below 1e-15 for |x| ≤ 1e7.</summary>
    public static double Cos(double x) => Quadrant(x, 1);

    /// <summary>e^x, relative error below 1e-15; 0 below −708, +∞ above 709.</summary>
    public static double Exp(double x)
    {
        if (double.IsNaN(x))
            return x;
        if (x < -708)
            return 0;
        if (x > 709)
            return double.PositiveInfinity;
        double n = Round(x * Log2E);
        double r = (x - n * LnTwoHigh) - n * LnTwoLow;
        double sum = 1;
        for (int k = 16; k >= 1; k--)
            sum = 1 + sum * r / k;
        return sum * BitConverter.Int64BitsToDouble(((long)n + 1023) << 52);
    }

    /// <summary>The hyperbolic tangent, error below 1e-15.</summary>
    public static double Tanh(double x)
    {
        double e = Exp(-2 * Math.Abs(x));
        return Math.CopySign((1 - e) / (1 + e), x);
    }

    /// <summary>Natural logarithm of a normal x &gt; 0, error below 1e-15 of max(1, |ln x|); 0 gives −∞, negatives NaN.</summary>
    public static double Log(double x)
    {
        if (x == 0)
            return double.NegativeInfinity;
        if (!(x > 0) || double.IsPositiveInfinity(x))
            return x > 0 ? x : double.NaN;
        int shift = 0;
        if (x < 2.2250738585072014e-308)
        {
            x *= 18014398509481984.0; // 2^54
            shift = -54;
        }

        long bits = BitConverter.DoubleToInt64Bits(x);
        int exponent = (int)(bits >> 52) - 1023;
        double mantissa = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000);
        if (mantissa > 1.4142135623730951)
        {
            mantissa *= 0.5;
            exponent++;
        }

        // ln m = 2 artanh s with s = (m − 1) ÷ (m + 1), |s| ≤ 0.172.
        double s = (mantissa - 1) / (mantissa + 1);
        double square = s * s;
        double sum = 0;
        for (int k = 25; k >= 3; k -= 2)
            sum = (sum + 1.0 / k) * square;
        double n = exponent + shift;
        return n * LnTwoHigh + (n * LnTwoLow + (2 * s + 2 * s * sum));
    }

    /// <summary>x^y for x &gt; 0 as e^(y ln x); relative error below 1e-15 · max(1, |y ln x|).</summary>
    public static double Pow(double x, double y) => Exp(y * Log(x));

    /// <summary>The normal distribution's share below x; error below 1e-14.</summary>
    public static double NormalBelow(double x)
    {
        double magnitude = Math.Abs(x);
        if (!(magnitude <= 38))
            return double.IsNaN(x) ? x : x < 0 ? 0 : 1;
        double density = 0.3989422804014327 * Exp(-0.5 * x * x);
        if (magnitude < 4)
        {
            // 1/2 + density · (x + x³/3 + x⁵/15 + …)
            double term = magnitude, sum = magnitude;
            for (int k = 3; k < 160; k += 2)
            {
                term *= x * x / k;
                sum += term;
            }

            return x < 0 ? 0.5 - density * sum : 0.5 + density * sum;
        }

        // density ÷ (x + 1 ÷ (x + 2 ÷ (x + 3 ÷ …)))
        double tail = magnitude;
        for (int k = 80; k >= 1; k--)
            tail = magnitude + k / tail;
        return x < 0 ? density / tail : 1 - density / tail;
    }

    private static double Quadrant(double x, int turn)
    {
        if (!(x >= -1e7 && x <= 1e7))
            return double.NaN;
        double n = Round(x * TwoOverPi);
        double r = x - n * HalfPi1;
        r -= n * HalfPi2;
        r -= n * HalfPi3;
        int quadrant = (int)((long)n + turn) & 3;
        double value = (quadrant & 1) == 0 ? SineSeries(r) : CosineSeries(r);
        return quadrant >= 2 ? -value : value;
    }

    private static double SineSeries(double r)
    {
        double square = r * r;
        double sum = 1;
        for (int k = 20; k >= 2; k -= 2)
            sum = 1 - sum * square / (k * (k + 1));
        return r * sum;
    }

    private static double CosineSeries(double r)
    {
        double square = r * r;
        double sum = 1;
        for (int k = 21; k >= 1; k -= 2)
            sum = 1 - sum * square / (k * (k + 1));
        return sum;
    }

    private static double Round(double x) => (x + RoundingMagic) - RoundingMagic;
}
