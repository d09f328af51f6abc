using Google.Protobuf;
using Grpc.Core;
using Swarm.Protocol.Tests.Transport;
using Swarm.Protocol.Weights;
using Swarm.Protocol.Wire;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Weights;

public sealed class WeightsServiceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly (ByteString Sha256, byte[] Bytes) Large = TestBlobs.Make(1, 200_000);
    private static readonly (ByteString Sha256, byte[] Bytes) Small = TestBlobs.Make(2, 10);

    [Theory, CombinatorialKinds]
    public async Task Fetch_Ranges_GivesTheirBytesInOrder(TransportKind kind)
    {
        var service = New(out _);
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [service.Definition()]);

        List<FetchPart> parts = await FetchAsync(pair, Range(Large.Sha256, 100, 150_000), Range(Unknown, 0, 5), Range(Small.Sha256, 3, 100));

        Assert.Equal(Large.Bytes[100..150_100], Bytes(parts, 0));
        Assert.Equal(FaultKind.TensorNotHeld, Assert.Single(parts, part => part.Range == 1).Fault.Kind);
        Assert.Equal(Small.Bytes[3..], Bytes(parts, 2));
        Assert.All(parts.Where(part => part.Range == 0), part => Assert.Equal(200_000ul, part.TotalBytes));
        Assert.All(parts, part => Assert.InRange(part.Data.Length, 0, WeightsLimits.MaxPartBytes));
        Assert.Equal(150_007, service.SentBytes);
        Assert.Equal(0, service.Transfers);
    }

    [Theory]
    [InlineData("ranges: 0, expected 1 to 64", 0, 32, 0, 1)]
    [InlineData("ranges: 65, expected 1 to 64", 65, 32, 0, 1)]
    [InlineData("sha256 of range 0: 31 bytes, expected 32", 1, 31, 0, 1)]
    [InlineData("length of range 0: 0, expected 1 to 8388608", 1, 32, 0, 0)]
    [InlineData("length of range 0: 8388609, expected 1 to 8388608", 1, 32, 0, 8388609)]
    [InlineData("ranges: 8388610 bytes together, expected at most 8388608", 2, 32, 0, 4194305)]
    [InlineData("offset of range 0: 1099511627777, expected at most 1099511627776", 1, 32, 1099511627777, 1)]
    [InlineData("offset of range 0: 200000, expected less than the 200000 bytes of the whole", 1, 32, 200_000, 1)]
    public async Task Fetch_BeyondALimit_IsRefusedByFieldValueAndLimit(string message, int count, int hashBytes, ulong offset, ulong length)
    {
        var service = New(out TestBlobs blobs);
        await using TransportPair pair = await TransportPair.OpenAsync(TransportKind.InMemory, [service.Definition()]);
        BlobRange range = Range(hashBytes == 32 ? Large.Sha256 : ByteString.CopyFrom(new byte[hashBytes]), offset, length);

        RpcException error = await Assert.ThrowsAsync<RpcException>(() => FetchAsync(pair, [.. Enumerable.Repeat(range, count)]));

        Assert.Equal((StatusCode.InvalidArgument, message), (error.StatusCode, error.Status.Detail));
        Assert.Equal(0, blobs.ServedBytes);
        Assert.Equal(0, service.Transfers);
    }

    [Fact]
    public async Task Fetch_OtherWireVersion_IsRefused()
    {
        await using TransportPair pair = await TransportPair.OpenAsync(TransportKind.InMemory, [New(out _).Definition()]);
        using AsyncServerStreamingCall<FetchPart> call = pair.Invoker.AsyncServerStreamingCall(WeightsMethods.Fetch, null, default, new FetchRequest { WireVersion = 1_000_000 });

        RpcException error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().WaitAsync(Patience));

        Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
    }

    [Fact]
    public async Task Fetch_TenThousandRequests_NoMoreThanACallersShareIsAnswered()
    {
        var service = New(out TestBlobs blobs, new ManualTime());
        await using TransportPair pair = await TransportPair.OpenAsync(TransportKind.InMemory, [service.Definition()]);
        int answered = 0;
        for (int request = 0; request < 10_000; request++)
        {
            try
            {
                answered += (await FetchAsync(pair, Range(Small.Sha256, 0, 10))).Count;
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
            {
                // More than its share.
            }
        }

        Assert.Equal(WeightsLimits.CallerRequests, answered);
        Assert.Equal(10_000 - answered, service.Refusals);
        Assert.Equal(10 * answered, blobs.ServedBytes);
    }

    [Fact]
    public async Task Fetch_NodeThatComputes_WaitsBetweenPartsAndOnlyTwoTransfersOfACallerRun()
    {
        var time = new ManualTime();
        long steps = 1;
        var service = new WeightsService(time, () => Interlocked.Read(ref steps));
        service.Serve(new TestBlobs().With(Large.Sha256, Large.Bytes));
        await using TransportPair pair = await TransportPair.OpenAsync(TransportKind.InMemory, [service.Definition()]);
        Task<List<FetchPart>>[] running = [FetchAsync(pair, Range(Large.Sha256, 0, 200_000)), FetchAsync(pair, Range(Large.Sha256, 0, 200_000))];
        SpinWait.SpinUntil(() => service.Transfers == 2 && service.Yields >= 2, Patience);

        // One part has left of them both: the rest waits for the clock, which stands.
        Assert.Equal(60 << 10, service.SentBytes);
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => FetchAsync(pair, Range(Large.Sha256, 0, 1)));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);

        while (!running.All(task => task.IsCompleted))
            time.Advance(TimeSpan.FromMilliseconds(100));
        foreach (Task<List<FetchPart>> transfer in running)
            Assert.Equal(Large.Bytes, Bytes(await transfer, 0));
        Assert.Equal(0, service.Transfers);
    }

    private static ByteString Unknown { get; } = ByteString.CopyFrom(new byte[32]);

    private static WeightsService New(out TestBlobs blobs, TimeProvider? time = null)
    {
        blobs = new TestBlobs().With(Large.Sha256, Large.Bytes).With(Small.Sha256, Small.Bytes);
        var service = new WeightsService(time ?? TimeProvider.System, () => 0);
        service.Serve(blobs);
        return service;
    }

    private static BlobRange Range(ByteString sha256, ulong offset, ulong length) => new() { Sha256 = sha256, Offset = offset, Length = length };

    private static byte[] Bytes(List<FetchPart> parts, uint range) => [.. parts.Where(part => part.Range == range).SelectMany(part => part.Data)];

    private static async Task<List<FetchPart>> FetchAsync(TransportPair pair, params BlobRange[] ranges)
    {
        var request = new FetchRequest { WireVersion = WireVersion.Current };
        request.Ranges.AddRange(ranges);
        using AsyncServerStreamingCall<FetchPart> call = pair.Invoker.AsyncServerStreamingCall(WeightsMethods.Fetch, null, default, request);
        var parts = new List<FetchPart>();
        while (await call.ResponseStream.MoveNext().WaitAsync(Patience))
            parts.Add(call.ResponseStream.Current);
        return parts;
    }
}
