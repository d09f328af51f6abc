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
