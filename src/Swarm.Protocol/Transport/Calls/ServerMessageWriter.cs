using System.IO.Pipelines;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The answers of a call, as its handler writes them.</summary>
internal sealed class ServerMessageWriter<T> : IServerStreamWriter<T>
    where T : class
{
    private readonly ServerCall _call;
    private readonly Marshaller<T> _marshaller;
    private FrameWriter<T>? _frames;

    public ServerMessageWriter(ServerCall call, Marshaller<T> marshaller)
    {
        _call = call;
        _marshaller = marshaller;
    }

    public WriteOptions? WriteOptions
    {
        get => _call.WriteOptions;
        set => _call.WriteOptions = value;
    }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken) =>
        WriteAsync(message, ((WriteOptions?.Flags ?? default) & WriteFlags.BufferHint) == 0, cancellationToken);

    /// <summary>The one answer of a unary or client-streaming call: the end of the call flushes it.</summary>
    public Task WriteSingleAsync(T message) => WriteAsync(message, flush: false, CancellationToken.None);

    private async Task WriteAsync(T message, bool flush, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        _call.BeginWrite();
        try
        {
            _call.CancellationToken.ThrowIfCancellationRequested();
            cancellationToken.ThrowIfCancellationRequested();
            await _call.EnsureHeadersAsync();
            _frames ??= new FrameWriter<T>(_call.ResponseWriter, _marshaller, _call.Options.MaxSendMessageBytes);
            _frames.Write(message);
            if (!flush)
                return;
            FlushResult flushed = await _call.ResponseWriter.FlushAsync(_call.CancellationToken);
            if (flushed.IsCompleted || flushed.IsCanceled)
                throw new OperationCanceledException("the client is gone", _call.CancellationToken);
        }
        catch (IOException exception)
        {
            throw new OperationCanceledException("the client is gone", exception, _call.CancellationToken);
        }
        finally
        {
            if (_frames is { Broken: true })
                _call.Abort();
            _call.EndWrite();
        }
    }
}
