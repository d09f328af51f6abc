using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Transport.Strangers;

/// <summary>A member's listener that strangers knock at, with everything that it logs.</summary>
internal sealed class GuardedNode : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly GrpcTransport _serving;
    private readonly GrpcTransport _member;
    private IPeerListener? _listener;
    private int _calls;

    private GuardedNode()
    {
        Server = Membership.NewMember();

        // So long that no test's end comes from it.
        _serving = new GrpcTransport(new TransportOptions { Credentials = Server, LoggerFactory = Log, HandshakeTimeout = TimeSpan.FromMinutes(10) });
        _member = new GrpcTransport(new TransportOptions { Credentials = Membership.NewMember() });
    }

    public TestMembership Membership { get; } = new();

    public PeerCredentials Server { get; }

    public CapturedLog Log { get; } = new();

    public int Port => _listener!.Address.Port;

    public PeerEndpoint Endpoint => new(Server.Peer, _listener!.Address);

    /// <summary>Calls that reached a handler.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public static async Task<GuardedNode> OpenAsync()
    {
        var node = new GuardedNode();
        node._listener = await node._serving.ListenAsync(
            new PeerAddress("127.0.0.1", 0),
            [EchoMethods.OneUnary((request, _) =>
            {
                Interlocked.Increment(ref node._calls);
                return Task.FromResult(request);
            })],
            CancellationToken.None);
        await node.CallAsync(node._member);
        return node;
    }

    public Task CallAsync(ITransport transport) => MemberWorld.CallAsync(transport, Endpoint);

    /// <summary>What a raw client hears until the end of its connection.</summary>
    public async Task<byte[]> SayAsync(byte[] bytes)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", Port);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(bytes);
        return await ReadToEndAsync(stream);
    }

    /// <summary>Shakes hands as TLS client, speaks HTTP/2 when let, and returns the bytes of HTTP that come back.</summary>
    public async Task<byte[]> ShakeHandsAsync(X509Certificate2? certificate)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", Port);
        await using var stream = new SslStream(new NetworkStream(socket));
        try
        {
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "swarm",
                ClientCertificates = certificate is null ? null : [certificate],
                LocalCertificateSelectionCallback = certificate is null ? null : (_, _, _, _, _) => certificate,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            });
            await stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"u8.ToArray());
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException)
        {
            return [];
        }

        return await ReadToEndAsync(stream);
    }

    /// <summary>That the node is as before: nothing of the stranger reached a handler, nothing was logged that wakes a person, members are served on old and new connections.</summary>
    public async Task AssertUnharmedAsync()
    {
        int before = Calls;
        await CallAsync(_member);
        await using var other = new GrpcTransport(new TransportOptions { Credentials = Membership.NewMember() });
        await CallAsync(other);
        Assert.Equal(before + 2, Calls);
        Assert.Empty(Log.Above(LogLevel.Information));
    }

    public async ValueTask DisposeAsync()
    {
        await _member.DisposeAsync();
        await _serving.DisposeAsync();
        Membership.Dispose();
    }

    internal static async Task<byte[]> ReadToEndAsync(Stream stream)
    {
        var heard = new MemoryStream();
        byte[] buffer = new byte[4096];
        try
        {
            while (await stream.ReadAsync(buffer).AsTask().WaitAsync(Patience) is > 0 and int count)
                heard.Write(buffer, 0, count);
        }
        catch (IOException)
        {
            // Cut, or ended by an alert.
        }

        return heard.ToArray();
    }
}
