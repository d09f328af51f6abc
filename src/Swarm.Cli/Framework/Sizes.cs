using System.Globalization;

namespace Swarm.Cli.Framework;

/// <summary>Figures for people, always in the invariant form.</summary>
internal static class Sizes
{
    public static string Bytes(double bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        int unit = 0;
        while (bytes >= 1024 && unit < units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }

        return unit == 0 ? Format(bytes, "F0") + " B" : Format(bytes, "F1") + " " + units[unit];
    }

    public static string Rate(double bytesPerSecond) => Format(bytesPerSecond / 1e9, "F2") + " GB/s";

    /// <summary>Without the unit, for columns that say it.</summary>
    public static string Milliseconds(double seconds) => Format(seconds * 1000, "F1");

    public static string Percent(double fraction) => Format(fraction * 100, "F0") + " %";

    private static string Format(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
