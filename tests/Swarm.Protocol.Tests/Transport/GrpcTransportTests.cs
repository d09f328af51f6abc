using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>What only the transport over sockets does: HTTP's own checks, bytes that are no gRPC, ports.</summary>
public sealed class GrpcTransportTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly byte[] Hello = [0, 0, 0, 0, 5, (byte)'h', (byte)'e', (byte)'l', (byte)'l', (byte)'o'];

    [Fact]
    public async Task Request_RightBytes_AnswersThem() // what the tests below change one thing of
    {
        (int http, string? status, _, byte[] body) = await SendAsync(Hello);
        Assert.Equal((200, "0"), (http, status));
        Assert.Equal(Hello, body);
    }

    [Fact]
    public async Task Request_OtherContentType_Is415() => Assert.Equal(415, (await SendAsync(Hello, contentType: "application/json")).Http);

    [Fact]
    public async Task Request_GrpcWebContentType_Is415() => Assert.Equal(415, (await SendAsync(Hello, contentType: "application/grpc-web")).Http);

    [Fact]
    public async Task Request_Get_Is405() => Assert.Equal(405, (await SendAsync([], method: HttpMethod.Get)).Http);

    [Theory]
    [InlineData("application/grpc+proto")]
    [InlineData("application/grpc; charset=utf-8")]
    public async Task Request_ContentTypeWithSuffix_IsServed(string contentType) => Assert.Equal("0", (await SendAsync(Hello, contentType: contentType)).Status);

    [Theory]
    [InlineData(new byte[] { 2, 0, 0, 0, 0 }, "13")] // an unknown flag
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, "13")] // compressed, though nothing was agreed
    [InlineData(new byte[] { 0, 0, 0 }, "13")] // ends inside a header
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 1 }, "13")] // ends inside a message
    [InlineData(new byte[] { }, "13")] // no message
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, "13")] // two messages of a unary call
    [InlineData(new byte[] { 0, 0xFF, 0xFF, 0xFF, 0xFF }, "8")] // 4 GiB announced
    [InlineData(new byte[] { 0, 0x80, 0, 0, 0 }, "8")] // 2 GiB announced: negative as a signed number
    public async Task Request_BytesThatAreNoFrames_GetAStatus(byte[] body, string status)
    {
        (int http, string? seen, string? message, _) = await SendAsync(body);
        Assert.Equal((200, status), (http, seen));
        Assert.False(string.IsNullOrEmpty(message));
    }

    [Fact]
    public async Task Request_Compressed_IsUnimplementedAndTellsWhatIsAccepted()
    {
        using HttpResponseMessage response = await SendRawAsync(Hello, headers: [("grpc-encoding", "gzip")]);
        Assert.Equal("12", Assert.Single(response.Headers.GetValues("grpc-status")));
        Assert.Equal("identity", Assert.Single(response.Headers.GetValues("grpc-accept-encoding")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("-5S")]
    [InlineData("123456789S")]
    [InlineData("5x")]
    public async Task Request_TimeoutThatIsNone_IsInternal(string timeout) => Assert.Equal("13", (await SendAsync(Hello, headers: [("grpc-timeout", timeout)])).Status);

    [Fact]
    public async Task Request_MetadataOverTheLimit_IsRefusedAndTheServerLivesOn()
    {
        await using var transport = new GrpcTransport(new TransportOptions { MaxMetadataBytes = 4096 });
        await using IPeerListener listener = await transport.ListenAsync(new PeerAddress("127.0.0.1", 0), [EchoMethods.OneUnary((request, _) => Task.FromResult(request))], CancellationToken.None);
        CallInvoker invoker = transport.Connect(listener.Address, ConnectionClass.Decode);
        await Assert.ThrowsAsync<RpcException>(() => invoker.AsyncUnaryCall(EchoMethods.Unary, null, new CallOptions(new Metadata { { "x-long", new string('x', 5000) } }), "m").ResponseAsync.WaitAsync(Patience));
        Assert.Equal("m", await invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "m").ResponseAsync.WaitAsync(Patience));
    }

    [Fact]
    public async Task Connection_BytesThatAreNoHttp2_TheServerLivesOn()
    {
        await using var transport = new GrpcTransport();
        await using IPeerListener listener = await transport.ListenAsync(new PeerAddress("127.0.0.1", 0), [EchoMethods.OneUnary((request, _) => Task.FromResult(request))], CancellationToken.None);
        var random = new Random(5);
        for (int round = 0; round < 20; round++)
        {
            byte[] bytes = new byte[200];
            random.NextBytes(bytes);

            // Every other time the preface is right and what follows is not.
            byte[] preface = round % 2 == 0 ? [] : "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"u8.ToArray();
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, listener.Address.Port);
            await socket.SendAsync(preface);
            await socket.SendAsync(bytes);
            socket.Shutdown(SocketShutdown.Send);
            byte[] rest = new byte[4096];
            try
            {
                while (await socket.ReceiveAsync(rest).WaitAsync(Patience) > 0)
                {
                }
            }
            catch (SocketException)
            {
                // A reset ends the connection as well.
            }
        }

        Assert.Equal("m", await transport.Connect(listener.Address, ConnectionClass.Decode).AsyncUnaryCall(EchoMethods.Unary, null, default, "m").ResponseAsync.WaitAsync(Patience));
    }

    [Theory]
    [InlineData(false)] // the peer was killed: its kernel resets the connection
    [InlineData(true)] // the peer's machine is gone: nothing comes at all, until a ping stays without an answer
    public async Task Connection_PeerDies_BothSidesLearnIt(bool silently)
    {
        var options = new TransportOptions { KeepAlivePingDelay = TimeSpan.FromSeconds(1), KeepAlivePingTimeout = TimeSpan.FromSeconds(1) };
        var server = new ServerProbe();
        await using TransportPair pair = await TransportPair.OpenAsync(TransportKind.Grpc, [server.Service], options, options);
        using var relay = new TcpRelay(pair.Listener.Address);
        await using var client = new GrpcTransport(options);
        using AsyncDuplexStreamingCall<string, string> call = client.Connect(relay.Address, ConnectionClass.Decode).AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
        await call.RequestStream.WriteAsync("hello");
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        Task<bool> reading = call.ResponseStream.MoveNext();
        if (silently)
            relay.Freeze();
        else
            relay.Cut();
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => reading.WaitAsync(Patience));
        Assert.True(error.StatusCode == StatusCode.Unavailable, error.ToString());
        await server.Cancelled.WaitAsync(Patience);
        error = await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync("more").WaitAsync(Patience));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
    }

    [Fact]
    public async Task Connect_TwoClasses_TwoConnections()
    {
        var peers = new List<string>();
        await using var transport = new GrpcTransport();
        await using IPeerListener listener = await transport.ListenAsync(new PeerAddress("127.0.0.1", 0), [EchoMethods.OneUnary((_, context) => Task.FromResult(context.Peer))], CancellationToken.None);
        foreach (ConnectionClass purpose in new[] { ConnectionClass.Decode, ConnectionClass.Bulk, ConnectionClass.Decode, ConnectionClass.Bulk })
            peers.Add(await transport.Connect(listener.Address, purpose).AsyncUnaryCall(EchoMethods.Unary, null, default, "m").ResponseAsync.WaitAsync(Patience));
        Assert.StartsWith("ipv4:127.0.0.1:", peers[0]);
        Assert.Equal(peers[0], peers[2]);
        Assert.Equal(peers[1], peers[3]);
        Assert.NotEqual(peers[0], peers[1]);
    }

    [Fact]
    public async Task Connect_ListenerReopened_TheNextCallGetsThrough()
    {
        await using var transport = new GrpcTransport();
        ServerServiceDefinition service = EchoMethods.OneUnary((request, _) => Task.FromResult(request));
        IPeerListener first = await transport.ListenAsync(new PeerAddress("127.0.0.1", 0), [service], CancellationToken.None);
        CallInvoker invoker = transport.Connect(first.Address, ConnectionClass.Decode);
        Assert.Equal("1", await invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "1").ResponseAsync.WaitAsync(Patience));
        await first.DisposeAsync();
        await Assert.ThrowsAsync<RpcException>(() => invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "2").ResponseAsync.WaitAsync(Patience));
        await using IPeerListener second = await transport.ListenAsync(first.Address, [service], CancellationToken.None);
        Assert.Equal("3", await invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "3").ResponseAsync.WaitAsync(Patience));
    }

    [Theory]
    [InlineData("no-such-host.invalid:80")]
    [InlineData("[fe80::1%no-such-interface]:80")]
    [InlineData("1.2.3.4.5.6:80")]
    public async Task Connect_AddressThatCannotBeDialled_IsUnavailable(string address)
    {
        await using var transport = new GrpcTransport();
        using AsyncUnaryCall<string> call = transport.Connect(PeerAddress.Parse(address), ConnectionClass.Decode).AsyncUnaryCall(EchoMethods.Unary, null, default, "m");
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.WaitAsync(Patience));
        Assert.True(error.StatusCode == StatusCode.Unavailable, error.ToString());
    }

    [Fact]
    public async Task Listen_AddressOfAnotherMachine_IsATypedError()
    {
        await using var transport = new GrpcTransport();
        AddressUnavailableException error = await Assert.ThrowsAsync<AddressUnavailableException>(async () => await transport.ListenAsync(new PeerAddress("192.0.2.1", 0), [], CancellationToken.None));
        Assert.False(error.InUse);
    }

    private static async Task<(int Http, string? Status, string? Message, byte[] Body)> SendAsync(byte[] body, string contentType = "application/grpc", HttpMethod? method = null, (string, string)[]? headers = null)
    {
        using HttpResponseMessage response = await SendRawAsync(body, contentType, method, headers);
        string? Find(string name) => response.TrailingHeaders.TryGetValues(name, out var trailer) || response.Headers.TryGetValues(name, out trailer) ? trailer.Single() : null;
        return ((int)response.StatusCode, Find("grpc-status"), Find("grpc-message"), await response.Content.ReadAsByteArrayAsync());
    }

    private static async Task<HttpResponseMessage> SendRawAsync(byte[] body, string contentType = "application/grpc", HttpMethod? method = null, (string Name, string Value)[]? headers = null)
    {
        await using var transport = new GrpcTransport();
        await using IPeerListener listener = await transport.ListenAsync(new PeerAddress("127.0.0.1", 0), [EchoMethods.OneUnary((request, _) => Task.FromResult(request))], CancellationToken.None);
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(method ?? HttpMethod.Post, $"http://{listener.Address}/swarm.test.Echo/Unary") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (request.Method == HttpMethod.Post)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.TryAddWithoutValidation("content-type", contentType);
        }

        foreach ((string name, string value) in headers ?? [])
            request.Headers.TryAddWithoutValidation(name, value);
        HttpResponseMessage response = await client.SendAsync(request).WaitAsync(Patience);

        // The server is still there after whatever that was.
        Assert.Equal("m", await transport.Connect(listener.Address, ConnectionClass.Decode).AsyncUnaryCall(EchoMethods.Unary, null, default, "m").ResponseAsync.WaitAsync(Patience));
        return response;
    }
}
