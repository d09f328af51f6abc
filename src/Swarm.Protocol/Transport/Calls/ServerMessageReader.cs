using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The requests of a call, as its handler reads them.</summary>
internal sealed class ServerMessageReader<T> : IAsyncStreamReader<T>
    where T : class
{
    private readonly ServerCall _call;
    private readonly FrameReader<T> _frames;
    private CancellationToken _linkedTo;
    private CancellationTokenSource? _either;
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
            if (await _frames.ReadAsync(Either(cancellationToken)))
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

    // Whoever reads in a loop gives the same token again: one link of the two lasts for all its reads, and lives as long as they do.
    private CancellationToken Either(CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled)
            return _call.CancellationToken;
        if (_either is null || _linkedTo != cancellationToken)
        {
            _either?.Dispose();
            _either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _call.CancellationToken);
            _linkedTo = cancellationToken;
        }

        return _either.Token;
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
