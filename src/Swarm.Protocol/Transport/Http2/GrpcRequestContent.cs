using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;

namespace Swarm.Protocol.Transport;

/// <summary>The body of a request: either one framed message, or a stream that is handed out until the call ends it.</summary>
internal sealed class GrpcRequestContent : HttpContent
{
    private static readonly MediaTypeHeaderValue GrpcMediaType = new(HeaderCodec.ContentType);
    private static readonly StreamPipeWriterOptions WriterOptions = new(minimumBufferSize: 8 << 10, leaveOpen: true);

    private readonly PooledBuffer? _only;
    private readonly TaskCompletionSource<PipeWriter> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new();
    private PipeWriter? _writer;

    public GrpcRequestContent(PooledBuffer? only)
    {
        _only = only;
        Headers.ContentType = GrpcMediaType;
    }

    /// <summary>Ready when HTTP asks for the body.</summary>
    public Task<PipeWriter> Writer => _opened.Task;

    public void Fail(Exception exception)
    {
        _opened.TrySetException(exception);
        _ = _opened.Task.Exception;
        _ended.TrySetException(exception);
        _ = _ended.Task.Exception;
    }

    /// <summary>Ends the body; what was written must be flushed.</summary>
    public void End() => _ended.TrySetResult();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (_only is not null)
        {
            using (_only)
            {
                foreach (ReadOnlyMemory<byte> piece in _only.Pieces())
                    await stream.WriteAsync(piece, cancellationToken);
            }

            return;
        }

        _writer = PipeWriter.Create(stream, WriterOptions);
        _opened.TrySetResult(_writer);
        await _ended.Task;
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
