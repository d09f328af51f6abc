using Grpc.Core;
using Grpc.Health.V1;
using Swarm.Protocol.Health;
using Swarm.Protocol.Tests.Transport;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Swarm.Protocol.Tests.Services;

public sealed class HealthServiceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory, CombinatorialKinds]
    public async Task Check_KnownAndUnknownService_StatusOrNotFound(TransportKind kind)
    {
        var health = new HealthService();
        health.SetStatus("a.B", ServingStatus.NotServing);
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [health.Definition]);
        Assert.Equal(ServingStatus.NotServing, (await pair.Invoker.AsyncUnaryCall(HealthService.CheckMethod, null, default, new HealthCheckRequest { Service = "a.B" }).ResponseAsync.WaitAsync(Patience)).Status);
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => pair.Invoker.AsyncUnaryCall(HealthService.CheckMethod, null, default, new HealthCheckRequest { Service = "a.C" }).ResponseAsync.WaitAsync(Patience));
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
    }

    [Theory, CombinatorialKinds]
    public async Task Watch_StateChanges_EachArrives(TransportKind kind)
    {
        var health = new HealthService();
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [health.Definition]);
        using AsyncServerStreamingCall<HealthCheckResponse> call = pair.Invoker.AsyncServerStreamingCall(HealthService.WatchMethod, null, default, new HealthCheckRequest { Service = "a.B" });
        foreach (ServingStatus status in new[] { ServingStatus.ServiceUnknown, ServingStatus.Serving, ServingStatus.NotServing })
        {
            if (status != ServingStatus.ServiceUnknown)
                health.SetStatus("a.B", status);
            Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
            Assert.Equal(status, call.ResponseStream.Current.Status);
        }
    }
}
