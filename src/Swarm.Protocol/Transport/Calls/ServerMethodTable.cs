using System.Collections.Frozen;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The methods that a listener serves, by path.</summary>
internal sealed class ServerMethodTable : ServiceBinderBase
{
    private readonly Dictionary<string, ServerMethodHandler> _methods = new(StringComparer.Ordinal);

    /// <exception cref="ArgumentException">Two services have a method of one name.</exception>
    public static FrozenDictionary<string, ServerMethodHandler> Build(IReadOnlyList<ServerServiceDefinition> services)
    {
        var table = new ServerMethodTable();
        foreach (ServerServiceDefinition service in services)
            service.BindService(table);
        return table._methods.ToFrozenDictionary(StringComparer.Ordinal);
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
        _methods.Add(method.FullName, async call =>
        {
            TRequest request = await new ServerMessageReader<TRequest>(call, method.RequestMarshaller).SingleAsync();
            TResponse answer = await handler!(request, call);
            await new ServerMessageWriter<TResponse>(call, method.ResponseMarshaller).WriteSingleAsync(answer);
        });

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler) =>
        _methods.Add(method.FullName, async call =>
        {
            TResponse answer = await handler!(new ServerMessageReader<TRequest>(call, method.RequestMarshaller), call);
            await new ServerMessageWriter<TResponse>(call, method.ResponseMarshaller).WriteSingleAsync(answer);
        });

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
        _methods.Add(method.FullName, async call =>
        {
            TRequest request = await new ServerMessageReader<TRequest>(call, method.RequestMarshaller).SingleAsync();
            await handler!(request, new ServerMessageWriter<TResponse>(call, method.ResponseMarshaller), call);
        });

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
        _methods.Add(method.FullName, call => handler!(new ServerMessageReader<TRequest>(call, method.RequestMarshaller), new ServerMessageWriter<TResponse>(call, method.ResponseMarshaller), call));
}
