namespace Swarm.Kernels;

/// <summary>Elementary functions in double, the same on every platform, for tables that the host makes.</summary>
public static class HostMath
{
    public static double Sin(double x) => Math.Sin(x);

    public static double Cos(double x) => Math.Cos(x);
}
