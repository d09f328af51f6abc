using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>What both transports are told. Defaults suit a node.</summary>
public sealed record TransportOptions
{
    /// <summary>What this side shows and checks the other by. Null: clear text, nobody has an identity (tests, and other languages' clients and servers).</summary>
    public PeerCredentials? Credentials { get; init; }

    /// <summary>Longest message accepted, bytes; a longer one ends its call with <c>RESOURCE_EXHAUSTED</c> before it is buffered. Default 4 MiB.</summary>
    public int MaxReceiveMessageBytes { get; init; } = 4 << 20;

    /// <summary>Longest message sent, bytes. Default: no limit but that of the length field.</summary>
    public int MaxSendMessageBytes { get; init; } = int.MaxValue;

    /// <summary>Most bytes of headers or trailers of a call, both ways. Default 32 KiB.</summary>
    public int MaxMetadataBytes { get; init; } = 32 << 10;

    /// <summary>Most connections a listener holds at once. Default 4096.</summary>
    public int MaxConnections { get; init; } = 4096;

    /// <summary>Most calls of one connection at once. HTTP/2's usual 100 would let call 101 wait in silence. Default 4096.</summary>
    public int MaxCallsPerConnection { get; init; } = 4096;

    /// <summary>Most connections that carry one call each, without HTTP/2 between; so many dialled and so many accepted a listener, each with a thread. Beyond it calls go by HTTP/2. 0: all do. Default 256.</summary>
    public int MaxLanes { get; init; } = 256;

    /// <summary>Most handshakes of a listener that have begun and not ended; beyond it the oldest of the busiest source is given up. Default 256.</summary>
    public int MaxHandshakes { get; init; } = 256;

    /// <summary>How long a listener waits for a handshake to end. Default 10 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long dialling may take, all addresses of an endpoint together, with the handshake. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Silence after which a connection with calls is pinged. Default 10 s.</summary>
    public TimeSpan KeepAlivePingDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Silence after a ping that closes the connection. Default 10 s.</summary>
    public TimeSpan KeepAlivePingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a closing listener waits for its cancelled calls to end before it cuts them. Default 1 s.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Bounds what is sent on all connections together, listeners' and dialled; may be shared by transports. Default: no bound.</summary>
    public UploadLimiter? UploadLimiter { get; init; }

    /// <summary>The clock of deadlines.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where a listener reports handlers that throw. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
