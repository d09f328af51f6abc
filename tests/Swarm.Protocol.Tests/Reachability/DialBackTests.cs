using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Swarm.Protocol.Health;
using Swarm.Protocol.Reachability;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Reachability;

/// <summary>A peer dials a caller back at the address it sees it at, and says what happened.</summary>
public sealed class DialBackTests : IAsyncDisposable
{
    private readonly TestMembership _membership = new();
    private readonly List<IAsyncDisposable> _open = [];

    [Theory]
    [InlineData("ipv4:192.0.2.7:50123", "192.0.2.7:31330")]
    [InlineData("ipv6:[2001:db8::7]:50123", "[2001:db8::7]:31330")]
    [InlineData("ipv6:[::ffff:192.0.2.7]:50123", "192.0.2.7:31330")]
    [InlineData("ipv6:[fe80::1%2]:50123", null)]
    [InlineData("memory:client", null)]
    [InlineData("unknown", null)]
    [InlineData("ipv4:somewhere:1", null)]
    public void Target_WhereTheConnectionComesFrom_WithThePortNamed(string observed, string? expected) =>
        Assert.Equal(expected, DialBackRules.Target(observed, 31330)?.ToString());

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AskAsync_CallerListens_IsReached(bool secure)
    {
        ITransport caller = Open(secure);
        IPeerListener own = await ListenAsync(caller);
        PeerEndpoint peer = await PeerAsync(secure);

        DialBackAnswer answer = await new ReachabilityClient(caller, TimeProvider.System).AskAsync(peer, own.Address.Port, CancellationToken.None);

        Assert.Equal((DialBackOutcome.Reached, own.Address), (answer.Outcome, answer.Observed));
    }

    [Fact]
    public async Task AskAsync_NobodyListens_IsRefused()
    {
        DialBackAnswer answer = await new ReachabilityClient(Open(true), TimeProvider.System).AskAsync(await PeerAsync(true), UnusedPort(), CancellationToken.None);

        Assert.Equal(DialBackOutcome.Refused, answer.Outcome);
        Assert.Equal("127.0.0.1", answer.Observed!.Value.Host);
    }

    [Fact]
    public async Task AskAsync_AnotherMemberListensThere_IsOtherPeer()
    {
        IPeerListener other = await ListenAsync(Open(true));

        DialBackAnswer answer = await new ReachabilityClient(Open(true), TimeProvider.System).AskAsync(await PeerAsync(true), other.Address.Port, CancellationToken.None);

        Assert.Equal(DialBackOutcome.OtherPeer, answer.Outcome);
    }

    [Fact]
    public async Task AskAsync_SomebodyWhoNeverAnswers_IsTimedOut()
    {
        // Takes connections and says nothing. The responder's clock passes its patience once it has dialled.
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        var time = new ManualTime();
        PeerEndpoint peer = await PeerAsync(true, time);

        Task<DialBackAnswer> asking = new ReachabilityClient(Open(true), TimeProvider.System).AskAsync(
            peer, ((IPEndPoint)mute.LocalEndpoint).Port, CancellationToken.None);
        using TcpClient dialled = await mute.AcceptTcpClientAsync().WaitAsync(TimeSpan.FromSeconds(60));
        time.Advance(ReachabilityService.DialTime);

        Assert.Equal(DialBackOutcome.TimedOut, (await asking.WaitAsync(TimeSpan.FromSeconds(60))).Outcome);
    }

    [Fact]
    public async Task AskAsync_TooOften_IsNoCapacityUntilTimeHasPassed()
    {
        var time = new ManualTime();
        PeerEndpoint peer = await PeerAsync(true, time);
        ITransport transport = Open(true);
        int port = (await ListenAsync(transport)).Address.Port;
        var client = new ReachabilityClient(transport, TimeProvider.System);
        for (int call = 0; call < ReachabilityService.Burst; call++)
            Assert.Equal(DialBackOutcome.Reached, (await client.AskAsync(peer, port, CancellationToken.None)).Outcome);

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(() => client.AskAsync(peer, port, CancellationToken.None));
        var others = new ReachabilityClient(Open(true), TimeProvider.System);
        Assert.Equal(DialBackOutcome.Refused, (await others.AskAsync(peer, UnusedPort(), CancellationToken.None)).Outcome);
        time.Advance(ReachabilityService.Refill);

        Assert.Equal(FaultKind.NoCapacity, fault.Fault);
        Assert.Equal(DialBackOutcome.Reached, (await client.AskAsync(peer, port, CancellationToken.None)).Outcome);
    }

    [Theory]
    [InlineData(0u, 1u, StatusCode.FailedPrecondition)]
    [InlineData(WireVersion.Current, 0u, StatusCode.InvalidArgument)]
    [InlineData(WireVersion.Current, 65536u, StatusCode.InvalidArgument)]
    public async Task DialBack_FieldOutsideItsLimits_IsRefused(uint version, uint port, StatusCode expected)
    {
        PeerEndpoint peer = await PeerAsync(true);

        RpcException fault = await Assert.ThrowsAsync<RpcException>(() => Open(true).Connect(peer, ConnectionClass.Bulk).AsyncUnaryCall(
            ReachabilityMethods.DialBack, null, default, new DialBackRequest { WireVersion = version, Port = port }).ResponseAsync);

        Assert.Equal(expected, fault.StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        _open.Reverse();
        foreach (IAsyncDisposable one in _open)
            await one.DisposeAsync();
        _membership.Dispose();
    }

    private static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private GrpcTransport Open(bool secure)
    {
        var transport = new GrpcTransport(new TransportOptions { Credentials = secure ? _membership.NewMember() : null });
        _open.Add(transport);
        return transport;
    }

    private async Task<IPeerListener> ListenAsync(ITransport transport, params ServerServiceDefinition[] services)
    {
        IPeerListener listener = await transport.ListenAsync(new PeerAddress("127.0.0.1", 0), [new HealthService().Definition, .. services], CancellationToken.None);
        _open.Add(listener);
        return listener;
    }

    private async Task<PeerEndpoint> PeerAsync(bool secure, TimeProvider? time = null)
    {
        GrpcTransport transport = Open(secure);
        return (await ListenAsync(transport, new ReachabilityService(transport, time ?? TimeProvider.System).Definition)).Address;
    }
}
