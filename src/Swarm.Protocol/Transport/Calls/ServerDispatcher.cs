using System.Collections.Frozen;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Swarm.Protocol.Transport;

/// <summary>Finds the method of a call, runs it, and sends the status that its end means.</summary>
internal sealed class ServerDispatcher : IDisposable
{
    private readonly FrozenDictionary<string, ServerMethodHandler> _methods;
    private readonly TransportOptions _options;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _closing = new();

    public ServerDispatcher(IReadOnlyList<ServerServiceDefinition> services, TransportOptions options)
    {
        _methods = ServerMethodTable.Build(services);
        _options = options;
        _log = options.LoggerFactory.CreateLogger(LogCategories.Transport);
    }

    /// <summary>Serves one call; never throws.</summary>
    public async Task DispatchAsync(ServerWire wire)
    {
        Exception? failure = null;
        ServerMethodHandler? handler = null;
        long start = TransportMeter.MeasuresServed ? _options.TimeProvider.GetTimestamp() : 0;
        using var call = new ServerCall(wire, _options, _closing.Token);
        try
        {
            if (_closing.IsCancellationRequested)
                throw new RpcException(new Status(StatusCode.Unavailable, "the listener is closing"));
            if (!_methods.TryGetValue(wire.Path, out handler))
                throw new RpcException(new Status(StatusCode.Unimplemented, $"method '{Shorten(wire.Path)}' is not served here"));
            await handler(call);
        }
        catch (Exception exception)
        {
            failure = exception;
            if (exception is not RpcException && !(exception is OperationCanceledException && (call.CancellationToken.IsCancellationRequested || exception.InnerException is IOException)))
                TransportLog.HandlerThrew(_log, wire.Path, wire.Peer, exception);
        }

        try
        {
            await call.CompleteAsync(failure);
        }
        catch (Exception exception)
        {
            wire.Abort();
            TransportLog.AnswerLost(_log, wire.Path, wire.Peer, exception);
        }

        await call.StopAsync();
        if (start != 0)
            TransportMeter.ServedCall(handler is null ? null : wire.Path, Code(call, failure), _options.TimeProvider.GetElapsedTime(start));
    }

    /// <summary>Ends the running calls: their tokens are cancelled.</summary>
    public void Close() => _closing.Cancel();

    public void Dispose() => _closing.Dispose();

    private static StatusCode Code(ServerCall call, Exception? failure) => failure switch
    {
        null => call.Status.StatusCode,
        RpcException refusal => refusal.StatusCode,
        OperationCanceledException => StatusCode.Cancelled,
        _ => StatusCode.Unknown,
    };

    private static string Shorten(string path) => path.Length <= 128 ? path : path[..128] + "…";
}
