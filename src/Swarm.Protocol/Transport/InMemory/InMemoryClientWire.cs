using System.IO.Pipelines;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The calling side of a call in one process.</summary>
/// <param name="start">Brings the call to whoever serves it, or throws an <see cref="RpcException"/>; the request may be in its pipe already.</param>
internal sealed class InMemoryClientWire(Action<InMemoryCall, RequestHead> start) : ClientWire
{
    private readonly InMemoryCall _call = new();

    public override Task<PipeWriter> RequestWriter => Task.FromResult(_call.Requests.Writer);

    public override PipeReader ResponseReader => _call.Responses.Reader;

    public override Task<ResponseHead> OpenAsync(RequestHead head, PooledBuffer? onlyFrame, CancellationToken cancellationToken)
    {
        using (onlyFrame)
        {
            var headers = new Metadata();
            foreach (Metadata.Entry entry in head.Headers)
                HeaderCodec.Add(headers, entry.Key, HeaderCodec.Value(entry));
            if (onlyFrame is not null)
            {
                onlyFrame.CopyTo(_call.Requests.Writer);
                _call.Requests.Writer.Complete();
            }

            start(_call, head with { Headers = headers.Freeze() });
        }

        return _call.Head.Task;
    }

    public override ValueTask CompleteRequestAsync() => _call.Requests.Writer.CompleteAsync();

    public override ResponseTail ReadTail() => _call.Tail ?? new ResponseTail(new Status(StatusCode.Internal, "the answer ended without a status"), Metadata.Empty);

    public override void Abort()
    {
        _call.Head.TrySetCanceled();
        _call.ClientGone.Cancel();
    }

    public override void Release() => _call.Responses.Reader.Complete();
}
