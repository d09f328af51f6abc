using System.Globalization;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>Metadata as HTTP headers.</summary>
internal static class HeaderCodec
{
    public const string ContentType = "application/grpc";
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";
    public const string Identity = "identity";

    /// <summary>What the caller uses the connection for; the answering side sends its bytes after those of tokens.</summary>
    public const string Purpose = "swarm-purpose";
    public const string BulkPurpose = "bulk";

    /// <summary>Headers that belong to the protocol, not to the caller.</summary>
    public static bool IsReserved(string name) =>
        name.Length == 0
        || name[0] == ':'
        || (name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase) && !name.Equals("grpc-status-details-bin", StringComparison.OrdinalIgnoreCase))
        || name.Equals("content-type", StringComparison.OrdinalIgnoreCase)
        || name.Equals("content-length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("te", StringComparison.OrdinalIgnoreCase)
        || name.Equals(Purpose, StringComparison.OrdinalIgnoreCase)
        || name.Equals("host", StringComparison.OrdinalIgnoreCase)
        || name.Equals("transfer-encoding", StringComparison.OrdinalIgnoreCase);

    /// <summary>An entry's value as it travels.</summary>
    /// <exception cref="RpcException">The text is not printable ASCII.</exception>
    public static string Value(Metadata.Entry entry)
    {
        if (entry.IsBinary)
            return Convert.ToBase64String(entry.ValueBytes).TrimEnd('=');
        foreach (char c in entry.Value)
            if (c is < ' ' or > '~')
                throw new RpcException(new Status(StatusCode.Internal, $"metadata '{entry.Key}': character U+{(int)c:X4}, expected printable ASCII; use a key that ends with '-bin'"));
        return entry.Value;
    }

    /// <summary>Adds a received header, unless it belongs to the protocol. Malformed names and values are left out: they are not the caller's business.</summary>
    public static void Add(Metadata metadata, string name, string? value)
    {
        if (value is null || IsReserved(name))
            return;
        try
        {
            if (!name.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase))
            {
                metadata.Add(name, value);
                return;
            }

            // Several values of one key may come joined by commas, which base64 does not contain.
            foreach (string part in value.Split(','))
                if (TryFromBase64(part.Trim(), out byte[]? bytes))
                    metadata.Add(name, bytes);
        }
        catch (ArgumentException)
        {
            // A name that metadata may not have.
        }
    }

    /// <summary>Reads <c>grpc-status</c> and <c>grpc-message</c>.</summary>
    public static Status ReadStatus(string code, string? message) =>
        int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is >= 0 and <= 16
            ? new Status((StatusCode)number, message is null ? "" : StatusText.Decode(message))
            : new Status(StatusCode.Unknown, $"grpc-status: seen '{(code.Length > 16 ? code[..16] : code)}', expected 0 to 16");

    private static bool TryFromBase64(string text, out byte[] bytes)
    {
        string padded = (text.Length % 4) switch
        {
            2 => text + "==",
            3 => text + "=",
            _ => text,
        };
        bytes = new byte[padded.Length / 4 * 3];
        if (!Convert.TryFromBase64String(padded, bytes, out int written))
            return false;
        Array.Resize(ref bytes, written);
        return true;
    }
}
