using System.Globalization;
using System.Text;

namespace Swarm.Protocol.Transport;

/// <summary><c>grpc-message</c>: UTF-8, percent-encoded outside printable ASCII and for the percent sign itself.</summary>
internal static class StatusText
{
    /// <summary>Longest message sent, bytes before encoding: one header must hold it.</summary>
    private const int MaxBytes = 2048;

    public static string Encode(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int length = bytes.Length;
        if (length > MaxBytes)
        {
            length = MaxBytes;
            while (length > 0 && (bytes[length] & 0xC0) == 0x80)
                length--;
        }

        var result = new StringBuilder(length + 16);
        foreach (byte b in bytes.AsSpan(0, length))
        {
            if (b is >= 0x20 and <= 0x7E and not (byte)'%')
                result.Append((char)b);
            else
                result.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }

        return result.ToString();
    }

    /// <summary>Undoes <see cref="Encode"/>; a percent sign that is followed by no two hexadecimal digits stays as it is.</summary>
    public static string Decode(string text)
    {
        if (!text.Contains('%'))
            return text;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int length = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == '%' && i + 2 < bytes.Length && Digit(bytes[i + 1]) is var high and >= 0 && Digit(bytes[i + 2]) is var low and >= 0)
            {
                bytes[length++] = (byte)((high << 4) | low);
                i += 2;
            }
            else
            {
                bytes[length++] = bytes[i];
            }
        }

        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    private static int Digit(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => -1,
    };
}
