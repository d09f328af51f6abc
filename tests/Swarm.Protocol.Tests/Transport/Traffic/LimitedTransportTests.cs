using Grpc.Core;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Transport.Traffic;

/// <summary>The upload limit where the transport hangs it in: both sides, with TLS and without.</summary>
public sealed class LimitedTransportTests
{
    private const int Rate = 150_000;
    private const int Characters = 250_000;

    [Theory]
    [InlineData(TransportKind.GrpcMembers, true)]
    [InlineData(TransportKind.GrpcMembers, false)]
    [InlineData(TransportKind.Lanes, true)]
    [InlineData(TransportKind.Lanes, false)]
    [InlineData(TransportKind.Grpc, true)]
    [InlineData(TransportKind.Grpc, false)]
    public async Task Transfer_UnderALimit_ComesNoFasterThanTheRate(TransportKind kind, bool fromServer)
    {
        var limiter = new UploadLimiter(Rate, TimeProvider.System);
        TransportOptions limited = new() { UploadLimiter = limiter };
        ServerServiceDefinition echo = EchoMethods.OneUnary((request, _) => Task.FromResult(fromServer ? new string('a', Characters) : ""));
        await using TransportPair pair = await TransportPair.OpenAsync(
            kind, [echo], fromServer ? limited : null, fromServer ? null : limited);
        long start = TimeProvider.System.GetTimestamp();
        await pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, fromServer ? "" : new string('a', Characters));
        TimeSpan elapsed = TimeProvider.System.GetElapsedTime(start);
        Assert.True(limiter.SentBytes >= Characters, $"{limiter.SentBytes} bytes were paid for, {Characters} were sent");
        double least = (double)(Characters - limiter.BurstBytes) / Rate;
        Assert.True(elapsed.TotalSeconds >= least, $"{Characters} bytes came in {elapsed.TotalSeconds:F2} s, expected at least {least:F2} s");
    }

    [Fact]
    public async Task Answer_OnAConnectionForBulk_IsSentAsBulk()
    {
        var limiter = new UploadLimiter(UploadLimiter.LeastBytesPerSecond * 1000, TimeProvider.System);
        using var membership = new TestMembership();
        await using var server = new GrpcTransport(new TransportOptions { UploadLimiter = limiter, Credentials = membership.NewMember() });
        await using IPeerListener listener = await server.ListenAsync(
            new PeerAddress("127.0.0.1", 0), [EchoMethods.OneUnary((request, _) => Task.FromResult(request))], CancellationToken.None);
        await using var client = new GrpcTransport(new TransportOptions { Credentials = membership.NewMember() });
        string text = new('a', 10_000);
        await client.Connect(listener.Address, ConnectionClass.Decode).AsyncUnaryCall(EchoMethods.Unary, null, default, text);
        Assert.Equal(0, limiter.BulkBytes);
        Assert.True(limiter.SentBytes > text.Length);
        await client.Connect(listener.Address, ConnectionClass.Bulk).AsyncUnaryCall(EchoMethods.Unary, null, default, text);
        Assert.True(limiter.BulkBytes > text.Length);
    }

    [Theory]
    [InlineData(TransportKind.GrpcMembers)]
    [InlineData(TransportKind.Lanes)]
    public async Task Traffic_OfATransport_IsCountedOnBothSides(TransportKind kind)
    {
        long sent = WireTraffic.Process.SentBytes;
        long received = WireTraffic.Process.ReceivedBytes;
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((request, _) => Task.FromResult(request))]);
        await pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, new string('a', 100_000));

        // Both ends are in this process: there and back.
        Assert.True(WireTraffic.Process.SentBytes - sent >= 200_000);
        Assert.True(WireTraffic.Process.ReceivedBytes - received >= 200_000);
    }
}
