using System.Net.Security;
using System.Net.Sockets;
using Grpc.Core;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>Which calls go by a lane, and what a lane makes of bytes that are none. What all wires have in common is in <see cref="TransportContractTests"/>, which runs over lanes too.</summary>
public sealed class LaneTests : IAsyncDisposable
{
    private const byte Head = 0x81;
    private const byte Tail = 0x80;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TestMembership _membership = new();
    private readonly List<GrpcTransport> _transports = [];
    private readonly ServerProbe _server = new();

    [Fact]
    public async Task DuplexForDecode_BetweenPeersOfThisProgram_GoesByALane()
    {
        PeerEndpoint peer = await ListenAsync(new TransportOptions());
        GrpcTransport client = New(new TransportOptions());
        using AsyncDuplexStreamingCall<string, string> call = await EchoAsync(client, peer);
        Assert.Equal((1, 0), client.Calls);
    }

    [Fact]
    public async Task OtherCalls_BetweenPeersOfThisProgram_ShareAConnectionOfHttp2()
    {
        PeerEndpoint peer = await ListenAsync(new TransportOptions());
        GrpcTransport client = New(new TransportOptions());
        await MemberWorld.CallAsync(client, peer);
        using AsyncDuplexStreamingCall<string, string> bulk = await EchoAsync(client, peer, ConnectionClass.Bulk);
        Assert.Equal((0, 2), client.Calls);
    }

    [Fact]
    public async Task Duplex_ToAPeerWithoutLanes_GoesByHttp2()
    {
        PeerEndpoint peer = await ListenAsync(new TransportOptions { MaxLanes = 0 });
        GrpcTransport client = New(new TransportOptions());
        using AsyncDuplexStreamingCall<string, string> first = await EchoAsync(client, peer);
        using AsyncDuplexStreamingCall<string, string> second = await EchoAsync(client, peer);
        Assert.Equal((0, 2), client.Calls);
    }

    [Theory]
    [InlineData(1, 256)]
    [InlineData(256, 1)]
    public async Task Duplex_WhenAllLanesAreTaken_GoesByHttp2(int dialled, int accepted)
    {
        PeerEndpoint peer = await ListenAsync(new TransportOptions { MaxLanes = accepted });
        GrpcTransport client = New(new TransportOptions { MaxLanes = dialled });
        using AsyncDuplexStreamingCall<string, string> first = await EchoAsync(client, peer);
        using AsyncDuplexStreamingCall<string, string> second = await EchoAsync(client, peer);
        Assert.Equal((1, 1), client.Calls);
    }

    [Theory]
    [InlineData(false)] // the peer was killed: its kernel resets the connection
    [InlineData(true)] // the peer's machine is gone: nothing comes at all, until a ping stays without an answer
    public async Task PeerDies_BothSidesLearnIt(bool silently)
    {
        var options = new TransportOptions { KeepAlivePingDelay = TimeSpan.FromSeconds(1), KeepAlivePingTimeout = TimeSpan.FromSeconds(1) };
        PeerEndpoint peer = await ListenAsync(options);
        using var relay = new TcpRelay(peer.Addresses[0]);
        GrpcTransport client = New(options);
        using AsyncDuplexStreamingCall<string, string> call = await EchoAsync(client, new PeerEndpoint(peer.Peer, relay.Address));
        Assert.Equal((1, 0), client.Calls);
        Task<bool> reading = call.ResponseStream.MoveNext();
        if (silently)
            relay.Freeze();
        else
            relay.Cut();
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => reading.WaitAsync(Patience));
        Assert.True(error.StatusCode == StatusCode.Unavailable, error.ToString());
        await _server.Cancelled.WaitAsync(Patience);
        error = await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync("more").WaitAsync(Patience));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
    }

    [Fact]
    public async Task Silence_OfBothSides_IsBridgedByPings()
    {
        var options = new TransportOptions { KeepAlivePingDelay = TimeSpan.FromSeconds(1), KeepAlivePingTimeout = TimeSpan.FromSeconds(10) };
        PeerEndpoint peer = await ListenAsync(options);
        using var relay = new TcpRelay(peer.Addresses[0]);
        using AsyncDuplexStreamingCall<string, string> call = await EchoAsync(New(options), new PeerEndpoint(peer.Peer, relay.Address));
        long before = relay.AnsweredBytes;
        using var patience = new CancellationTokenSource(Patience);
        while (relay.AnsweredBytes < before + 25)
            await Task.Delay(TimeSpan.FromMilliseconds(20), patience.Token);
        await call.RequestStream.WriteAsync("still").WaitAsync(Patience);
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
    }

    [Fact]
    public async Task Mute_WhoOpensNoCall_IsLetGo()
    {
        PeerEndpoint peer = await ListenAsync(new TransportOptions { HandshakeTimeout = TimeSpan.FromSeconds(1) });
        await using SslStream stream = await DialAsync(peer);
        await ReadToEndAsync(stream);
    }

    public static TheoryData<string, byte[], StatusCode?> Lies => new()
    {
        { "a flag that is none", Frame(0xFF, []), StatusCode.Internal },
        { "a message before the call", Frame(0, [1]), null },
        { "the end before the call", Frame(0x82, []), StatusCode.Internal },
        { "a status from the caller", Frame(Tail, "grpc-status\t0\n"u8), StatusCode.Internal },
        { "no name", Frame(Head, "\tvalue\n"u8), StatusCode.Internal },
        { "no value", Frame(Head, ":path\n"u8), StatusCode.Internal },
        { "no end of line", Frame(Head, ":path\t/a/b"u8), StatusCode.Internal },
        { "a time that is none", Frame(Head, "grpc-timeout\tsoon\n"u8), StatusCode.Internal },
        { "no method", Frame(Head, []), StatusCode.Unimplemented },
        { "a method that is not served", Frame(Head, ":path\t/a/b\n"u8), StatusCode.Unimplemented },
        { "two calls", [.. Opening, .. Opening], StatusCode.Internal },
        { "a block of 4 GiB", [Head, 0xFF, 0xFF, 0xFF, 0xFF], StatusCode.ResourceExhausted },
        { "a compressed message", [.. Opening, .. Frame(1, [1])], StatusCode.Internal },
        { "a message of 4 GiB", [.. Opening, 0, 0xFF, 0xFF, 0xFF, 0xFF], StatusCode.ResourceExhausted },
        { "the end inside a message", [.. Opening, 0, 0, 0, 0, 9, 1], null },
    };

    [Theory, MemberData(nameof(Lies))]
    public async Task Bytes_ThatAreNoLane_GetAStatusAndTheListenerLivesOn(string what, byte[] bytes, StatusCode? expected)
    {
        PeerEndpoint peer = await ListenAsync(new TransportOptions { HandshakeTimeout = TimeSpan.FromSeconds(2) });
        await using (SslStream stream = await DialAsync(peer))
        {
            await stream.WriteAsync(bytes);
            if (expected is null)
                await stream.ShutdownAsync();
            string heard = System.Text.Encoding.Latin1.GetString(await ReadToEndAsync(stream));
            if (expected is { } code)
                Assert.True(heard.Contains($"grpc-status\t{(int)code}\n", StringComparison.Ordinal), $"{what}: heard '{heard}', expected {code}");
        }

        await AssertServesAsync(peer);
    }

    [Fact]
    public async Task Bytes_AtRandom_EndTheirOwnConnectionAlone()
    {
        PeerEndpoint peer = await ListenAsync(new TransportOptions { HandshakeTimeout = TimeSpan.FromSeconds(1) });
        using AsyncDuplexStreamingCall<string, string> other = await EchoAsync(New(new TransportOptions()), peer);
        var random = new Random(11);
        for (int round = 0; round < 60; round++)
        {
            // Every other time the call is right and what follows is not.
            byte[] bytes = new byte[random.Next(1, 300)];
            random.NextBytes(bytes);
            if (round % 3 == 0)
                bytes[0] = (byte)(0x80 + (round / 3 % 6));
            await using SslStream stream = await DialAsync(peer);
            await stream.WriteAsync(round % 2 == 0 ? bytes : [.. Opening, .. bytes]);
            await stream.ShutdownAsync();
            await ReadToEndAsync(stream);
        }

        await other.RequestStream.WriteAsync("still").WaitAsync(Patience);
        Assert.True(await other.ResponseStream.MoveNext().WaitAsync(Patience));
        await AssertServesAsync(peer);
    }

    [Fact]
    public async Task ListenerThatLies_TheCallerGetsATypedStatus()
    {
        PeerCredentials liar = _membership.NewMember();
        foreach (byte[] lie in (byte[][])[Frame(0xFF, []), Frame(0x82, []), Frame(Head, "\t\n"u8), Frame(Tail, ":\t\n"u8), [Tail, 0xFF, 0xFF, 0xFF, 0xFF], [.. Frame(Head, []), .. Frame(Head, [])]])
        {
            using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
            listener.Start();
            Task serving = LieAsync(listener, liar, lie);
            GrpcTransport client = New(new TransportOptions());
            using AsyncDuplexStreamingCall<string, string> call = client.Connect(
                new PeerAddress("127.0.0.1", ((System.Net.IPEndPoint)listener.LocalEndpoint).Port), ConnectionClass.Decode).AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
            RpcException error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().WaitAsync(Patience));
            Assert.True(error.StatusCode is StatusCode.Internal or StatusCode.ResourceExhausted, error.ToString());
            await serving.WaitAsync(Patience);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (GrpcTransport transport in _transports.AsEnumerable().Reverse())
            await transport.DisposeAsync();
        _membership.Dispose();
    }

    private static byte[] Opening => Frame(Head, ":path\t/swarm.test.Echo/Duplex\n"u8);

    private static byte[] Frame(byte flag, ReadOnlySpan<byte> payload) => [flag, 0, 0, 0, (byte)payload.Length, .. payload];

    private static async Task LieAsync(TcpListener listener, PeerCredentials liar, byte[] lie)
    {
        using TcpClient accepted = await listener.AcceptTcpClientAsync();
        await using var stream = new SslStream(accepted.GetStream());
        await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = liar.Certificate,
            ClientCertificateRequired = true,
            ApplicationProtocols = [new SslApplicationProtocol("swarm-lane/1")],
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
        });
        await stream.WriteAsync(lie);
        await ReadToEndAsync(stream);
    }

    private static async Task<byte[]> ReadToEndAsync(SslStream stream)
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
            // Cut.
        }

        return heard.ToArray();
    }

    private GrpcTransport New(TransportOptions options)
    {
        var transport = new GrpcTransport(options with { Credentials = _membership.NewMember() });
        _transports.Add(transport);
        return transport;
    }

    private async Task<PeerEndpoint> ListenAsync(TransportOptions options)
    {
        PeerCredentials credentials = _membership.NewMember();
        var transport = new GrpcTransport(options with { Credentials = credentials });
        _transports.Add(transport);
        IPeerListener listener = await transport.ListenAsync(new PeerAddress("127.0.0.1", 0), [_server.Service], CancellationToken.None);
        return new PeerEndpoint(credentials.Peer, listener.Address);
    }

    private async Task<SslStream> DialAsync(PeerEndpoint peer)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", peer.Addresses[0].Port);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "swarm",
            ClientCertificates = [_membership.NewMember().Certificate],
            ApplicationProtocols = [new SslApplicationProtocol("swarm-lane/1")],
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
        });
        return stream;
    }

    private async Task AssertServesAsync(PeerEndpoint peer)
    {
        GrpcTransport client = New(new TransportOptions());
        using AsyncDuplexStreamingCall<string, string> call = await EchoAsync(client, peer);
        Assert.Equal((1, 0), client.Calls);
    }

    private static async Task<AsyncDuplexStreamingCall<string, string>> EchoAsync(GrpcTransport client, PeerEndpoint peer, ConnectionClass purpose = ConnectionClass.Decode)
    {
        AsyncDuplexStreamingCall<string, string> call = client.Connect(peer, purpose).AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
        await call.RequestStream.WriteAsync("hello").WaitAsync(Patience);
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.Equal("hello", call.ResponseStream.Current);
        return call;
    }
}
