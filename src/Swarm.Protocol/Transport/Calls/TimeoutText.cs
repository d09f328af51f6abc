using System.Globalization;

namespace Swarm.Protocol.Transport;

/// <summary><c>grpc-timeout</c>: at most eight digits and a unit.</summary>
internal static class TimeoutText
{
    private const long Most = 99_999_999;

    /// <summary>Rounded up to the unit, so that a server never gives up before its client.</summary>
    public static string Encode(TimeSpan timeout)
    {
        long micros = Math.Max((timeout.Ticks + 9) / 10, 1);
        if (micros <= Most)
            return Text(micros, 'u');
        long millis = (micros + 999) / 1000;
        if (millis <= Most)
            return Text(millis, 'm');
        long seconds = (millis + 999) / 1000;
        return seconds <= Most ? Text(seconds, 'S') : Text(Math.Min((seconds + 3599) / 3600, Most), 'H');
    }

    public static bool TryDecode(string text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > 9 || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long value))
            return false;
        long ticks = text[^1] switch
        {
            'H' => Math.Min(value, 10_000_000) * TimeSpan.TicksPerHour,
            'M' => value * TimeSpan.TicksPerMinute,
            'S' => value * TimeSpan.TicksPerSecond,
            'm' => value * TimeSpan.TicksPerMillisecond,
            'u' => value * TimeSpan.TicksPerMicrosecond,
            'n' => (value + 99) / 100,
            _ => -1,
        };
        timeout = TimeSpan.FromTicks(ticks);
        return ticks >= 0;
    }

    private static string Text(long value, char unit) => value.ToString(CultureInfo.InvariantCulture) + unit;
}
