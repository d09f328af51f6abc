using Grpc.Core;
using Swarm.Protocol.Transport;

namespace Swarm.Client.Tests;

/// <summary>Calls that a test chooses end as if the peer refused this side, or had ended just after the handshake: the two look the same.</summary>
internal sealed class RefusingTransport(ITransport inner) : ITransport
{
    /// <summary>Asked at each call with the endpoint and the method's name.</summary>
    public Func<PeerEndpoint, string, bool> Refuses { get; set; } = (_, _) => false;

    public ValueTask<IPeerListener> ListenAsync(PeerAddress address, IReadOnlyList<ServerServiceDefinition> services, CancellationToken cancellationToken) =>
        inner.ListenAsync(address, services, cancellationToken);

    public CallInvoker Connect(PeerEndpoint endpoint, ConnectionClass purpose) => new Invoker(this, endpoint, inner.Connect(endpoint, purpose));

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private static RpcException Refusal() => new(new Status(StatusCode.Unauthenticated, "the peer refuses this side"));

    private sealed class Invoker(RefusingTransport owner, PeerEndpoint endpoint, CallInvoker inner) : PassingInvoker(inner)
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
            owner.Refuses(endpoint, method.Name)
                ? new AsyncUnaryCall<TResponse>(
                    Task.FromException<TResponse>(Refusal()), Task.FromException<Metadata>(Refusal()), () => Refusal().Status, () => [], () => { })
                : base.AsyncUnaryCall(method, host, options, request);

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            owner.Refuses(endpoint, method.Name)
                ? new AsyncDuplexStreamingCall<TRequest, TResponse>(
                    new Broken<TRequest, TResponse>(), new Broken<TRequest, TResponse>(), Task.FromException<Metadata>(Refusal()), () => Refusal().Status, () => [], () => { })
                : base.AsyncDuplexStreamingCall(method, host, options);
    }

    private sealed class Broken<TRequest, TResponse> : IClientStreamWriter<TRequest>, IAsyncStreamReader<TResponse>
    {
        public WriteOptions? WriteOptions { get; set; }

        public TResponse Current => throw new InvalidOperationException("nothing was read");

        public Task WriteAsync(TRequest message) => Task.FromException(Refusal());

        public Task WriteAsync(TRequest message, CancellationToken cancellationToken) => WriteAsync(message);

        public Task CompleteAsync() => Task.CompletedTask;

        public Task<bool> MoveNext(CancellationToken cancellationToken) => Task.FromException<bool>(Refusal());
    }
}
