using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Swarm.Protocol.Tests.Transport.Strangers;

/// <summary>The client's part of a TLS 1.2 handshake written by hand, to say what no library would: an old version, or a signature by another key.</summary>
internal sealed class RawHandshake : IDisposable
{
    public const byte Alert = 21;
    public const byte Handshake = 22;

    private const byte ServerHelloDone = 14;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly MemoryStream _transcript = new();
    private byte[] _pending = [];

    /// <summary>A hello that offers exactly one version and ECDHE-ECDSA-AES128-GCM.</summary>
    public static byte[] ClientHello(ushort version)
    {
        var extensions = new MemoryStream();
        Extension(extensions, 10, [0, 2, 0, 23]);
        Extension(extensions, 11, [1, 0]);
        Extension(extensions, 13, [0, 2, 4, 3]);
        Extension(extensions, 16, [0, 3, 2, (byte)'h', (byte)'2']);
        var body = new MemoryStream();
        body.Write(Big16(version));
        body.Write(RandomNumberGenerator.GetBytes(32));
        body.WriteByte(0);
        byte[] suites = version >= 0x0303 ? [0xC0, 0x2B] : [0xC0, 0x09, 0xC0, 0x0A];
        body.Write([.. Big16((ushort)suites.Length), .. suites, 1, 0, .. Big16((ushort)extensions.Length), .. extensions.ToArray()]);
        return Message(1, body.ToArray());
    }

    public static byte[] Record(byte type, byte[] payload) => [type, 3, 3, .. Big16((ushort)payload.Length), .. payload];

    /// <summary>
    /// Shows a certificate, signs with a key that need not be its own, and returns the description of the alert that answers. After a good signature a finish that cannot be
    /// read follows, so that there is an alert in any case.
    /// </summary>
    public async Task<byte> PresentAsync(int port, byte[] certificate, ECDsa key)
    {
        await _socket.ConnectAsync("127.0.0.1", port);
        await using var stream = new NetworkStream(_socket);
        await SendAsync(stream, ClientHello(0x0303));
        while (true)
        {
            (byte type, byte[] message) = await ReceiveAsync(stream);
            if (type == Alert)
                return message[1];
            _transcript.Write(message);
            if (message[0] == ServerHelloDone)
                break;
        }

        using var share = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        ECPoint point = share.ExportParameters(false).Q;
        await SendAsync(stream, Message(11, [.. Big24(certificate.Length + 3), .. Big24(certificate.Length), .. certificate]));
        await SendAsync(stream, Message(16, [65, 4, .. point.X!, .. point.Y!]));
        byte[] signature = key.SignData(_transcript.ToArray(), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        await SendAsync(stream, Message(15, [4, 3, .. Big16((ushort)signature.Length), .. signature]));
        await stream.WriteAsync((byte[])[20, 3, 3, 0, 1, 1]);
        await stream.WriteAsync(Record(Handshake, new byte[40]));
        while (true)
        {
            (byte type, byte[] message) = await ReceiveAsync(stream);
            if (type == Alert)
                return message[1];
        }
    }

    public void Dispose() => _socket.Dispose();

    private static byte[] Message(byte type, byte[] body) => [type, .. Big24(body.Length), .. body];

    private static byte[] Big16(ushort value) => [(byte)(value >> 8), (byte)value];

    private static byte[] Big24(int value) => [(byte)(value >> 16), (byte)(value >> 8), (byte)value];

    private static void Extension(MemoryStream target, ushort type, byte[] body) => target.Write([.. Big16(type), .. Big16((ushort)body.Length), .. body]);

    private async Task SendAsync(NetworkStream stream, byte[] message)
    {
        _transcript.Write(message);
        await stream.WriteAsync(Record(Handshake, message));
    }

    /// <summary>One handshake message, or one alert.</summary>
    private async Task<(byte Type, byte[] Message)> ReceiveAsync(NetworkStream stream)
    {
        while (true)
        {
            if (_pending.Length >= 4)
            {
                int length = 4 + (_pending[1] << 16 | _pending[2] << 8 | _pending[3]);
                if (_pending.Length >= length)
                {
                    byte[] message = _pending[..length];
                    _pending = _pending[length..];
                    return (Handshake, message);
                }
            }

            byte[] head = new byte[5];
            await stream.ReadExactlyAsync(head);
            byte[] payload = new byte[BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(3))];
            await stream.ReadExactlyAsync(payload);
            if (head[0] == Alert)
                return (Alert, payload);
            if (head[0] == Handshake)
                _pending = [.. _pending, .. payload];
        }
    }
}
