using System.Globalization;
using Swarm.Kernels;
using Swarm.Models;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Framework;

/// <summary>Parsers of setting values. Each throws <see cref="FormatException"/> with what was expected; numbers are invariant.</summary>
internal static class Values
{
    private static readonly (string Suffix, long Bytes)[] Units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ];

    public static string Text(string text) => text;

    public static string? OptionalText(string text) => text;

    public static bool Boolean(string text) => text.ToLowerInvariant() switch
    {
        "1" or "true" or "yes" or "on" => true,
        "0" or "false" or "no" or "off" => false,
        _ => throw new FormatException("true or false"),
    };

    public static Func<string, int> Integer(int minimum, int maximum) => text =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= minimum && value <= maximum
            ? value
            : throw new FormatException(FormattableString.Invariant($"an integer from {minimum} to {maximum}"));

    public static Func<string, int?> OptionalInteger(int minimum, int maximum)
    {
        Func<string, int> parse = Integer(minimum, maximum);
        return text => parse(text);
    }

    public static Func<string, float> Number(float minimum, float maximum) => text =>
        float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && value >= minimum && value <= maximum
            ? value
            : throw new FormatException(FormattableString.Invariant($"a number from {minimum} to {maximum}"));

    public static Func<string, double> Seconds(double maximum) => text =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= 0 && value <= maximum
            ? value
            : throw new FormatException(FormattableString.Invariant($"seconds from 0 to {maximum}"));

    /// <summary>What weights can be brought to while they are loaded.</summary>
    public static WeightFormat? Weights(string text) => text.ToLowerInvariant() switch
    {
        "q8_0" => WeightFormat.Q8_0,
        "q4_0" => WeightFormat.Q4_0,
        _ => throw new FormatException("q8_0 or q4_0"),
    };

    public static ulong Seed(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : throw new FormatException($"an integer from 0 to {ulong.MaxValue}");

    /// <summary>4GiB, 512MiB, 1.5GB, 1000000.</summary>
    public static long? Bytes(string text)
    {
        string number = text.Trim();
        long unit = 1;
        foreach ((string suffix, long bytes) in Units)
        {
            if (!number.EndsWith(suffix, StringComparison.Ordinal))
                continue;
            number = number[..^suffix.Length].TrimEnd();
            unit = bytes;
            break;
        }

        if (decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value) && value > 0
            && value <= long.MaxValue / unit)
            return (long)(value * unit);
        throw new FormatException("a size such as 4GiB or 512MiB");
    }

    /// <summary>Bytes a second: 10Mbit, 500kbit, 2MiB, 1.5MB; /s at the end is allowed.</summary>
    public static long? Rate(string text)
    {
        const string expected = "a rate such as 10Mbit or 2MiB (a second)";
        string number = text.Trim();
        if (number.EndsWith("/s", StringComparison.Ordinal))
            number = number[..^2].TrimEnd();
        long? rate;
        try
        {
            rate = number.EndsWith("bit", StringComparison.Ordinal) ? Bits(number[..^3].TrimEnd()) : Bytes(number);
        }
        catch (FormatException)
        {
            throw new FormatException(expected);
        }

        return rate >= UploadLimiter.LeastBytesPerSecond
            ? rate
            : throw new FormatException(FormattableString.Invariant($"{expected} of at least {UploadLimiter.LeastBytesPerSecond * 8 / 1000}kbit"));
    }

    /// <summary>Blocks A:B, from A up to but without B.</summary>
    public static BlockSpan? Blocks(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int start)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int end)
            && start < end)
            return new BlockSpan(start, end);
        throw new FormatException("A:B with A < B, such as 0:10");
    }

    public static PeerAddress? Address(string text) =>
        PeerAddress.TryParse(text, out PeerAddress address) ? address : throw new FormatException("HOST:PORT, such as 127.0.0.1:31330");

    private static long Bits(string text)
    {
        (string number, long unit) = text switch
        {
            [.. var rest, 'k' or 'K'] => (rest, 1_000L),
            [.. var rest, 'M'] => (rest, 1_000_000L),
            [.. var rest, 'G'] => (rest, 1_000_000_000L),
            _ => (text, 1L),
        };
        return decimal.TryParse(number.TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal bits) && bits < long.MaxValue / unit
            ? (long)(bits * unit / 8)
            : throw new FormatException();
    }

    /// <summary>1,2,3; white space and brackets around are allowed.</summary>
    public static int[]? Integers(string text)
    {
        string[] parts = text.Trim().Trim('[', ']').Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        int[] values = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out values[i]))
                throw new FormatException($"integers joined by commas; item {i} is '{parts[i]}'");
        }

        return values;
    }

    /// <summary>q4_k,q6_k; white space around is allowed.</summary>
    public static WeightFormat[] WeightFormats(string text)
    {
        string[] parts = text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parts.Length == 0)
            throw new FormatException("weight formats joined by commas; there is none");
        return [.. parts.Select(part => Kernels.WeightFormats.TryParse(part, out WeightFormat format)
            ? format
            : throw new FormatException($"weight formats of {string.Join(", ", Enum.GetValues<WeightFormat>().Select(Kernels.WeightFormats.Name))}, joined by commas; '{part}' is none"))];
    }
}
