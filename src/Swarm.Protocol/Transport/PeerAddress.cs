using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Swarm.Protocol.Transport;

/// <summary>Where a peer listens: a host name or IP address, and a port. IPv6 addresses are kept without brackets and written with them.</summary>
public readonly record struct PeerAddress
{
    /// <summary>Longest host accepted, characters: DNS's own limit.</summary>
    public const int MaxHostLength = 253;

    /// <exception cref="ArgumentException">The host is empty, too long or holds characters that hosts do not have.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port is outside 0 to 65535.</exception>
    public PeerAddress(string host, int port)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (!IsHost(host))
            throw new ArgumentException($"host: seen '{Shorten(host)}', expected a host name or an IP address of at most {MaxHostLength} characters", nameof(host));
        if (port is < 0 or > 65535)
            throw new ArgumentOutOfRangeException(nameof(port), port, "port: expected 0 to 65535");
        Host = host;
        Port = port;
    }

    public string Host { get; }

    /// <summary>0 to 65535; 0 asks a listener for any free port.</summary>
    public int Port { get; }

    /// <summary>Reads <c>host:port</c>, <c>1.2.3.4:port</c> or <c>[v6]:port</c>.</summary>
    /// <exception cref="FormatException">The text is none of these; the message says what was seen.</exception>
    public static PeerAddress Parse(string text) =>
        TryParse(text, out PeerAddress address, out string? error) ? address : throw new FormatException(error);

    public static bool TryParse([NotNullWhen(true)] string? text, out PeerAddress address) => TryParse(text, out address, out _);

    public static bool TryParse([NotNullWhen(true)] string? text, out PeerAddress address, [NotNullWhen(false)] out string? error)
    {
        address = default;
        error = null;
        if (string.IsNullOrEmpty(text) || text.Length > MaxHostLength + 8)
        {
            error = $"address: seen '{Shorten(text ?? "")}', expected host:port";
            return false;
        }

        int colon = text.LastIndexOf(':');
        if (colon <= 0)
        {
            error = $"address: seen '{Shorten(text)}', expected host:port";
            return false;
        }

        ReadOnlySpan<char> host = text.AsSpan(0, colon);
        bool bracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        if (bracketed)
            host = host[1..^1];
        string name = host.ToString();
        if (!IsHost(name) || bracketed != name.Contains(':'))
        {
            error = $"address: seen '{Shorten(text)}', expected host:port with a host name, an IPv4 address, or an IPv6 address in brackets";
            return false;
        }

        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port > 65535)
        {
            error = $"port: seen '{Shorten(text[(colon + 1)..])}', expected 0 to 65535";
            return false;
        }

        address = new PeerAddress(name, port);
        return true;
    }

    public override string ToString() =>
        Host is null ? "" : Host.Contains(':') ? $"[{Host}]:{Port.ToString(CultureInfo.InvariantCulture)}" : $"{Host}:{Port.ToString(CultureInfo.InvariantCulture)}";

    private static bool IsHost(string host)
    {
        if (host.Length is 0 or > MaxHostLength)
            return false;
        if (host.Contains(':'))
            return IPAddress.TryParse(host, out IPAddress? ip) && ip.AddressFamily == AddressFamily.InterNetworkV6 && !host.Contains('[');
        foreach (Range label in host.AsSpan().Split('.'))
        {
            ReadOnlySpan<char> text = host.AsSpan(label);
            if (text.Length is 0 or > 63 || text[0] == '-' || text[^1] == '-')
                return false;
            foreach (char c in text)
                if (!(char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
                    return false;
        }

        return true;
    }

    private static string Shorten(string text) => text.Length <= 64 ? text : text[..64] + "…";
}
