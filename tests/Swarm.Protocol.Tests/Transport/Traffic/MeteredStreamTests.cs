using System.Net;
using System.Net.Sockets;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Transport.Traffic;

/// <summary>The upload limit and the counters on a real connection.</summary>
public sealed class MeteredStreamTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Write_UnderALimit_TakesAsLongAsTheRateSays()
    {
        const int bytes = 300_000;
        var limiter = new UploadLimiter(200_000, TimeProvider.System);
        var traffic = new WireTraffic();
        long start = TimeProvider.System.GetTimestamp();
        long received = await TransferAsync(new ConnectionMeter(limiter, traffic), bytes, (at, seen) =>
        {
            double most = limiter.BurstBytes + (limiter.BytesPerSecond * TimeProvider.System.GetElapsedTime(start, at).TotalSeconds);
            Assert.True(seen <= most, $"{seen} bytes had come by then, expected at most {most:F0}");
        });
        Assert.Equal(bytes, received);
        Assert.Equal(bytes, limiter.SentBytes);
        Assert.Equal(bytes, traffic.SentBytes);
        Assert.True(limiter.DelayedBytes > 0);
    }

    [Fact]
    public async Task Write_WithoutALimit_IsCountedOnly()
    {
        var traffic = new WireTraffic();
        Assert.Equal(300_000, await TransferAsync(new ConnectionMeter(null, traffic), 300_000, (_, _) => { }));
        Assert.Equal(300_000, traffic.SentBytes);
        Assert.Equal(0, traffic.ReceivedBytes);
    }

    // Sends through a metered stream; tells of each arrival.
    private static async Task<long> TransferAsync(ConnectionMeter meter, int bytes, Action<long, long> arrived)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint, patience.Token);
        using TcpClient server = await listener.AcceptTcpClientAsync(patience.Token);
        Task writing = WriteAsync();
        long seen = 0;
        byte[] buffer = new byte[64 << 10];
        while (await server.GetStream().ReadAsync(buffer, patience.Token) is var read and > 0)
            arrived(TimeProvider.System.GetTimestamp(), seen += read);
        await writing;
        return seen;

        async Task WriteAsync()
        {
            await using Stream stream = meter.Wrap(client.GetStream(), ConnectionClass.Bulk);
            await stream.WriteAsync(new byte[1000], patience.Token);
            await stream.WriteAsync(new byte[bytes - 1000], patience.Token);
        }
    }
}
