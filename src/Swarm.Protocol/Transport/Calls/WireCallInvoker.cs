using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>Makes calls over wires.</summary>
internal sealed class WireCallInvoker : CallInvoker
{
    private readonly Func<IMethod, ClientWire> _open;
    private readonly TransportOptions _options;

    public WireCallInvoker(Func<IMethod, ClientWire> open, TransportOptions options)
    {
        _open = open;
        _options = options;
    }

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        AsyncUnaryCall(method, host, options, request).GetAwaiter().GetResult();

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        ClientCall<TRequest, TResponse> call = Start(method, options, request);
        Task<TResponse> answer = call.SingleAsync();
        ClientCall<TRequest, TResponse>.Observe(answer);
        return new AsyncUnaryCall<TResponse>(answer, call.Headers, call.GetStatus, call.GetTrailers, call.Dispose);
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        ClientCall<TRequest, TResponse> call = Start(method, options, request);
        return new AsyncServerStreamingCall<TResponse>(call, call.Headers, call.GetStatus, call.GetTrailers, call.Dispose);
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        ClientCall<TRequest, TResponse> call = Start(method, options, null);
        Task<TResponse> answer = call.SingleAsync();
        ClientCall<TRequest, TResponse>.Observe(answer);
        return new AsyncClientStreamingCall<TRequest, TResponse>(call, answer, call.Headers, call.GetStatus, call.GetTrailers, call.Dispose);
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        ClientCall<TRequest, TResponse> call = Start(method, options, null);
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(call, call, call.Headers, call.GetStatus, call.GetTrailers, call.Dispose);
    }

    private ClientCall<TRequest, TResponse> Start<TRequest, TResponse>(Method<TRequest, TResponse> method, CallOptions options, TRequest? only)
        where TRequest : class
        where TResponse : class
    {
        ArgumentNullException.ThrowIfNull(method);
        var call = new ClientCall<TRequest, TResponse>(method, _open(method), _options, options);
        call.Start(only);
        return call;
    }
}
