using System.Buffers;
using Grpc.Core;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>What a simulator needs of the transport inside one process.</summary>
public sealed class InMemoryTransportTests
{
    [Fact]
    public async Task Calls_OfAnyKind_RunOnTheCallersThreadAlone()
    {
        // The test runner's own context would post; a simulator's posts to itself.
        SynchronizationContext.SetSynchronizationContext(null);
        int caller = Environment.CurrentManagedThreadId;
        var threads = new HashSet<int>();
        await using TransportPair pair = await TransportPair.OpenAsync(TransportKind.InMemory, [EchoMethods.OneDuplex(async (requests, responses, _) =>
        {
            while (await requests.MoveNext())
            {
                threads.Add(Environment.CurrentManagedThreadId);
                await responses.WriteAsync(requests.Current);
            }
        })]);
        using AsyncDuplexStreamingCall<string, string> call = pair.Invoker.AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
        for (int i = 0; i < 100; i++)
        {
            Task<bool> read = call.ResponseStream.MoveNext();
            Assert.False(read.IsCompleted);
            Assert.True(call.RequestStream.WriteAsync(i.ToString()).IsCompletedSuccessfully);
            Assert.True(read.IsCompletedSuccessfully);
            Assert.True(await read);
            Assert.Equal(i.ToString(), call.ResponseStream.Current);
        }

        Task<bool> end = call.ResponseStream.MoveNext();
        Assert.True(call.RequestStream.CompleteAsync().IsCompletedSuccessfully);
        Assert.True(end.IsCompletedSuccessfully);
        Assert.False(await end);
        Assert.Equal([caller], threads);
    }

    [Fact]
    public async Task Duplex_RoundTrip_AllocatesLittle()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        byte[] payload = new byte[2304];
        object token = new();
        var marshaller = new Marshaller<object>(
            (_, context) =>
            {
                context.SetPayloadLength(payload.Length);
                context.GetBufferWriter().Write(payload);
                context.Complete();
            },
            context => context.PayloadLength == payload.Length ? token : throw new InvalidOperationException());
        var method = new Method<object, object>(MethodType.DuplexStreaming, "swarm.test.Echo", "Objects", marshaller, marshaller);
        await using TransportPair pair = await TransportPair.OpenAsync(TransportKind.InMemory, [ServerServiceDefinition.CreateBuilder().AddMethod(method, async (requests, responses, _) =>
        {
            while (await requests.MoveNext())
                await responses.WriteAsync(requests.Current);
        }).Build()]);
        using AsyncDuplexStreamingCall<object, object> call = pair.Invoker.AsyncDuplexStreamingCall(method, null, default);
        const int rounds = 200;
        long allocated = 0;
        for (int round = -50; round < rounds; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            await call.RequestStream.WriteAsync(token);
            await call.ResponseStream.MoveNext();
            if (round >= 0)
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
        }

        // Both sides, both ways, besides the messages themselves: the tasks that readers and writers return.
        Assert.InRange(allocated / rounds, 0, 512);
    }

    [Fact]
    public async Task Listen_PortZero_PortsAreGivenInOrder()
    {
        var network = new InMemoryNetwork();
        await using var transport = new InMemoryTransport(network);
        var ports = new List<int>();
        for (int i = 0; i < 3; i++)
            ports.Add((await transport.ListenAsync(new PeerAddress("node", 0), [], CancellationToken.None)).Address.Port);
        Assert.Equal([40000, 40001, 40002], ports);
    }
}
