using Grpc.Core;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>A service that echoes and tells what its handler saw.</summary>
internal sealed class ServerProbe
{
    private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Exception> _readError = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ServerProbe()
    {
        Service = ServerServiceDefinition.CreateBuilder()
            .AddMethod(EchoMethods.Unary, (request, _) => Task.FromResult(request))
            .AddMethod(EchoMethods.Duplex, EchoAsync)
            .Build();
    }

    public ServerServiceDefinition Service { get; }

    /// <summary>Done when the token of the duplex call was cancelled.</summary>
    public Task Cancelled => _cancelled.Task;

    /// <summary>What the handler's read threw.</summary>
    public Task<Exception> ReadError => _readError.Task;

    private async Task EchoAsync(IAsyncStreamReader<string> requests, IServerStreamWriter<string> responses, ServerCallContext context)
    {
        // Never disposed: the handler may end while the token's callbacks run.
        context.CancellationToken.Register(() => _cancelled.TrySetResult());
        try
        {
            while (await requests.MoveNext())
                await responses.WriteAsync(requests.Current);
        }
        catch (Exception exception)
        {
            _readError.TrySetResult(exception);
            throw;
        }

        await Cancelled;
    }
}
