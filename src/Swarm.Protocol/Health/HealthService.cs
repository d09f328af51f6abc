using System.Threading.Channels;
using Grpc.Core;
using Grpc.Health.V1;
using Swarm.Protocol.Transport;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Swarm.Protocol.Health;

/// <summary><c>grpc.health.v1.Health</c>: what this peer says of its services. The empty name is the peer as a whole.</summary>
public sealed class HealthService
{
    /// <summary>Names that a stranger may watch have no list of their own; those that are set are few.</summary>
    private const int MaxNameLength = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, ServingStatus> _states = new(StringComparer.Ordinal);
    private readonly List<(string Service, Channel<ServingStatus> Changes)> _watchers = [];

    public HealthService()
    {
        Definition = ServerServiceDefinition.CreateBuilder().AddMethod(CheckMethod, CheckAsync).AddMethod(WatchMethod, WatchAsync).Build();
    }

    /// <summary>For calling <c>Check</c>.</summary>
    public static Method<HealthCheckRequest, HealthCheckResponse> CheckMethod { get; } = Method(MethodType.Unary, "Check");

    /// <summary>For calling <c>Watch</c>.</summary>
    public static Method<HealthCheckRequest, HealthCheckResponse> WatchMethod { get; } = Method(MethodType.ServerStreaming, "Watch");

    public ServerServiceDefinition Definition { get; }

    /// <summary>Changes the state of a service and tells those who watch it.</summary>
    public void SetStatus(string service, ServingStatus status)
    {
        ArgumentNullException.ThrowIfNull(service);
        lock (_gate)
        {
            _states[service] = status;
            foreach ((string watched, Channel<ServingStatus> changes) in _watchers)
                if (watched == service)
                    changes.Writer.TryWrite(status);
        }
    }

    private static Method<HealthCheckRequest, HealthCheckResponse> Method(MethodType type, string name) =>
        new(type, "grpc.health.v1.Health", name, ProtobufMarshaller.Create(HealthCheckRequest.Parser), ProtobufMarshaller.Create(HealthCheckResponse.Parser));

    private Task<HealthCheckResponse> CheckAsync(HealthCheckRequest request, ServerCallContext context)
    {
        lock (_gate)
        {
            return _states.TryGetValue(request.Service, out ServingStatus status)
                ? Task.FromResult(new HealthCheckResponse { Status = status })
                : throw new RpcException(new Status(StatusCode.NotFound, "service: not one of this peer's"));
        }
    }

    private async Task WatchAsync(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responses, ServerCallContext context)
    {
        if (request.Service.Length > MaxNameLength)
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"service: {request.Service.Length} characters, expected at most {MaxNameLength}"));

        // A slow watcher gets the newest state, not every state.
        var changes = Channel.CreateBounded<ServingStatus>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_gate)
        {
            changes.Writer.TryWrite(_states.GetValueOrDefault(request.Service, ServingStatus.ServiceUnknown));
            _watchers.Add((request.Service, changes));
        }

        try
        {
            await foreach (ServingStatus status in changes.Reader.ReadAllAsync(context.CancellationToken))
                await responses.WriteAsync(new HealthCheckResponse { Status = status });
        }
        finally
        {
            lock (_gate)
                _watchers.Remove((request.Service, changes));
        }
    }
}
