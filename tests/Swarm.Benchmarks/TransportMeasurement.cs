using System.Globalization;
using Grpc.Core;
using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Benchmarks;

/// <summary>What TLS costs: connecting and calling over loopback, with credentials and in clear text, in turn within one process.</summary>
internal static class TransportMeasurement
{
    private const int Connects = 40;
    private const int RoundTrips = 2000;
    private const int BulkParts = 2000;

    private static readonly Method<byte[], byte[]> Unary = Make(MethodType.Unary, "Unary");
    private static readonly Method<byte[], byte[]> Duplex = Make(MethodType.DuplexStreaming, "Duplex");
    private static readonly Method<byte[], byte[]> Upload = Make(MethodType.ClientStreaming, "Upload");

    public static async Task RunAsync()
    {
        using SwarmRoot root = SwarmRoot.Found();
        SwarmInvite invite = root.Issue([]);
        using var serverKey = PeerKey.Create();
        using var clientKey = PeerKey.Create();
        using PeerCredentials server = PeerCredentials.Create(serverKey, invite, TimeProvider.System);
        using PeerCredentials client = PeerCredentials.Create(clientKey, invite, TimeProvider.System);

        // Once to warm up.
        await RunAsync(server, client, report: false);
        await RunAsync(null, null, report: false);
        for (int pass = 0; pass < 2; pass++)
        {
            await RunAsync(server, client, report: true);
            await RunAsync(null, null, report: true);
        }
    }

    private static async Task RunAsync(PeerCredentials? server, PeerCredentials? client, bool report)
    {
        await using var serving = new GrpcTransport(new TransportOptions { Credentials = server });
        await using IPeerListener listener = await serving.ListenAsync(new PeerAddress("127.0.0.1", 0), [Service()], CancellationToken.None);
        var endpoint = new PeerEndpoint(server?.Peer ?? default, listener.Address);
        var first = new List<double>();
        var second = new List<double>();
        for (int i = 0; i < Connects; i++)
        {
            await using var connecting = new GrpcTransport(new TransportOptions { Credentials = client });
            first.Add(await TimeAsync(() => CallAsync(connecting.Connect(endpoint, ConnectionClass.Decode), 0)));
            second.Add(await TimeAsync(() => CallAsync(connecting.Connect(endpoint, ConnectionClass.Bulk), 0)));
        }

        await using var calling = new GrpcTransport(new TransportOptions { Credentials = client });
        CallInvoker invoker = calling.Connect(endpoint, ConnectionClass.Decode);
        (double unary, _) = await MedianAsync(() => CallAsync(invoker, 1024));
        using AsyncDuplexStreamingCall<byte[], byte[]> stream = invoker.AsyncDuplexStreamingCall(Duplex, null, default);
        (double token, double bytes) = await MedianAsync(() => EchoAsync(stream, new byte[2400]));
        (double large, _) = await MedianAsync(() => EchoAsync(stream, new byte[16 << 10]));
        double bulk = await UploadAsync(calling.Connect(endpoint, ConnectionClass.Bulk));
        if (report)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{(server is null ? "clear" : "TLS"),-6} first call {Median(first),6:F1} ms, on a second connection {Median(second),6:F1} ms | unary 1 KB {unary * 1000,5:F0} us | duplex 2.4 KB {token * 1000,5:F0} us, {bytes:F0} B | 16 KB {large * 1000,5:F0} us | bulk {bulk,5:F0} MiB/s"));
        }
    }

    private static ServerServiceDefinition Service() => ServerServiceDefinition.CreateBuilder()
        .AddMethod(Unary, (request, _) => Task.FromResult(request))
        .AddMethod(Duplex, async (requests, responses, _) =>
        {
            await foreach (byte[] request in requests.ReadAllAsync())
                await responses.WriteAsync(request);
        })
        .AddMethod(Upload, async (requests, context) =>
        {
            while (await requests.MoveNext(context.CancellationToken))
            {
            }

            return [];
        })
        .Build();

    private static async Task CallAsync(CallInvoker invoker, int size) => await invoker.AsyncUnaryCall(Unary, null, default, new byte[size]).ResponseAsync;

    private static async Task EchoAsync(AsyncDuplexStreamingCall<byte[], byte[]> stream, byte[] message)
    {
        await stream.RequestStream.WriteAsync(message);
        await stream.ResponseStream.MoveNext();
    }

    /// <summary>MiB a second of parts of 60 KiB, one way.</summary>
    private static async Task<double> UploadAsync(CallInvoker invoker)
    {
        byte[] part = new byte[60 << 10];
        using AsyncClientStreamingCall<byte[], byte[]> call = invoker.AsyncClientStreamingCall(Upload, null, default);
        double milliseconds = await TimeAsync(async () =>
        {
            for (int i = 0; i < BulkParts; i++)
                await call.RequestStream.WriteAsync(part);
            await call.RequestStream.CompleteAsync();
            await call.ResponseAsync;
        });
        return (double)BulkParts * part.Length / (1 << 20) / (milliseconds / 1000);
    }

    private static async Task<(double Milliseconds, double Bytes)> MedianAsync(Func<Task> run)
    {
        var times = new List<double>();
        for (int i = 0; i < RoundTrips / 10; i++)
            await run();
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int i = 0; i < RoundTrips; i++)
            times.Add(await TimeAsync(run));
        return (Median(times), (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)RoundTrips);
    }

    private static async Task<double> TimeAsync(Func<Task> run)
    {
        long start = TimeProvider.System.GetTimestamp();
        await run();
        return TimeProvider.System.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }

    private static Method<byte[], byte[]> Make(MethodType type, string name) =>
        new(type, "swarm.benchmark.Transport", name, Marshallers.Create(bytes => bytes, bytes => bytes), Marshallers.Create(bytes => bytes, bytes => bytes));
}
