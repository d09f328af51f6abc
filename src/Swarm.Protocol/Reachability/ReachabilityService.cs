using Grpc.Core;
using Grpc.Health.V1;
using Swarm.Protocol.Dht;
using Swarm.Protocol.Health;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Reachability;

/// <summary>Dials callers back, so that they learn whether others can reach them: where they are seen to come from, for themselves alone, and a few times a minute.</summary>
public sealed class ReachabilityService
{
    /// <summary>Calls that a caller has at once; then one every <see cref="Refill"/>.</summary>
    public const int Burst = 4;

    /// <summary>How long a caller waits for the next call once its burst is spent.</summary>
    public static readonly TimeSpan Refill = TimeSpan.FromSeconds(10);

    /// <summary>How long a dial may take: longer than any way through the Internet, shorter than the caller's patience.</summary>
    public static readonly TimeSpan DialTime = TimeSpan.FromSeconds(5);

    /// <summary>Dials under way for all callers together.</summary>
    private const int MostAtOnce = 16;

    private readonly ITransport _transport;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Lock _lock = new();
    private readonly CallerBudget _budget = new(Burst, 1 / Refill.TotalSeconds, 1024);
    private int _underWay;

    /// <param name="transport">Dials.</param>
    /// <param name="time">Clock of limits and patience.</param>
    public ReachabilityService(ITransport transport, TimeProvider time)
    {
        _transport = transport;
        _time = time;
        _start = time.GetTimestamp();
        Definition = ServerServiceDefinition.CreateBuilder().AddMethod(ReachabilityMethods.DialBack, DialBackAsync).Build();
    }

    /// <summary>To be served.</summary>
    public ServerServiceDefinition Definition { get; }

    private async Task<DialBackResponse> DialBackAsync(DialBackRequest request, ServerCallContext context)
    {
        if (request.WireVersion != WireVersion.Current)
            throw new RpcException(new Status(StatusCode.FailedPrecondition, $"wire version: {request.WireVersion}, this node has {WireVersion.Current}"));
        if (request.Port is 0 or > 65535)
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"port: {request.Port}, expected 1 to 65535"));
        var response = new DialBackResponse { WireVersion = WireVersion.Current };
        PeerId caller = context.GetPeer();
        if (DialBackRules.Target(context.Peer, (int)request.Port) is not { } target)
            return response;
        Enter(caller);
        try
        {
            response.Observed = target.ToString();
            response.Outcome = await DialAsync(new PeerEndpoint(caller, target), context.CancellationToken);
        }
        finally
        {
            lock (_lock)
                _underWay--;
        }

        return response;
    }

    private void Enter(PeerId caller)
    {
        lock (_lock)
        {
            if (_underWay >= MostAtOnce)
                throw new RpcException(new Status(StatusCode.ResourceExhausted, $"dials under way: {_underWay}, at most {MostAtOnce}"));
            if (!_budget.TryTake(caller, 1, _time.GetElapsedTime(_start)))
                throw new RpcException(new Status(StatusCode.ResourceExhausted, $"calls: at most {Burst}, then one every {Refill.TotalSeconds:0} s"));
            _underWay++;
        }
    }

    // Whatever the health service answers, somebody who holds the caller's key has answered.
    private async Task<DialBackOutcome> DialAsync(PeerEndpoint endpoint, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(DialTime, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            using AsyncUnaryCall<HealthCheckResponse> call = _transport.Connect(endpoint, ConnectionClass.Bulk)
                .AsyncUnaryCall(HealthService.CheckMethod, null, new CallOptions(cancellationToken: both.Token), new HealthCheckRequest());
            await call.ResponseAsync;
            return DialBackOutcome.Reached;
        }
        catch (Exception exception) when (exception is RpcException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return DialBackRules.Read(exception);
        }
    }
}
