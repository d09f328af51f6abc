using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The requests of a call, as its handler reads them.</summary>
internal sealed class ServerMessageReader<T> : IAsyncStreamReader<T>
    where T : class
{
    private readonly ServerCall _call;
    private readonly FrameReader<T> _frames;
    private T? _current;
    private bool _ended;

    public ServerMessageReader(ServerCall call, Marshaller<T> marshaller)
    {
        _call = call;
        _frames = new FrameReader<T>(call.RequestReader, marshaller, call.Options.MaxReceiveMessageBytes);
    }

    public T Current => _current ?? throw new InvalidOperationException("no message has been read");

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        _call.BeginRead();
        try
        {
            if (_ended)
                return false;
            cancellationToken.ThrowIfCancellationRequested();
            using CancellationTokenSource? both = cancellationToken.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _call.CancellationToken) : null;
            if (await _frames.ReadAsync(both?.Token ?? _call.CancellationToken))
            {
                _current = _frames.Message;
                return true;
            }

            _ended = true;
            return false;
        }
        catch (IOException exception)
        {
            // Kestrel reports a reset stream as an I/O error, sometimes before it cancels the token.
            throw new OperationCanceledException("the client is gone", exception, _call.CancellationToken);
        }
        finally
        {
            _call.EndRead();
        }
    }

    /// <summary>The one request of a unary or server-streaming call.</summary>
    public async ValueTask<T> SingleAsync()
    {
        if (!await MoveNext(CancellationToken.None))
            throw new RpcException(new Status(StatusCode.Internal, "the request ended without the one message of its method"));
        T message = Current;
        return await MoveNext(CancellationToken.None)
            ? throw new RpcException(new Status(StatusCode.Internal, "the request has more than the one message of its method"))
            : message;
    }
}
