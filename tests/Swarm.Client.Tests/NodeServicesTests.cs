using Grpc.Core;
using Grpc.Reflection.V1;
using Swarm.Models;
using Swarm.Protocol.Reflection;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>What every node answers to tools that know nothing of the swarm.</summary>
public sealed class NodeServicesTests
{
    [Fact]
    public async Task Reflection_OfANode_ListsWhatItServes()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: false, new BlockSpan(0, 4));
        await using ITransport transport = cluster.NewTransport();
        CallInvoker invoker = transport.Connect(cluster.Nodes[0].Address, ConnectionClass.Decode);
        using AsyncDuplexStreamingCall<ServerReflectionRequest, ServerReflectionResponse> call =
            invoker.AsyncDuplexStreamingCall(ReflectionService.InfoMethod, null, default);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(
            ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "swarm.v1.Dht", "swarm.v1.Directory", "swarm.v1.Node", "swarm.v1.Reachability", "swarm.v1.Weights"],
            call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name));
        await call.RequestStream.CompleteAsync();
    }
}
