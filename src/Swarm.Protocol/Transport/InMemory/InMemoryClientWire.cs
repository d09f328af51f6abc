using System.IO.Pipelines;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>A call to an address of the same process.</summary>
internal sealed class InMemoryClientWire : ClientWire
{
    private readonly InMemoryNetwork _network;
    private readonly PeerAddress _address;
    private readonly InMemoryCall _call = new();

    public InMemoryClientWire(InMemoryNetwork network, PeerAddress address)
    {
        _network = network;
        _address = address;
        RequestWriter = Task.FromResult(_call.Requests.Writer);
    }

    public override Task<PipeWriter> RequestWriter { get; }

    public override PipeReader ResponseReader => _call.Responses.Reader;

    public override Task<ResponseHead> OpenAsync(RequestHead head, PooledBuffer? onlyFrame, CancellationToken cancellationToken)
    {
        using (onlyFrame)
        {
            InMemoryListener listener = _network.Find(_address)
                ?? throw new RpcException(new Status(StatusCode.Unavailable, $"the peer cannot be reached: nobody listens at {_address}"));
            var headers = new Metadata();
            foreach (Metadata.Entry entry in head.Headers)
                HeaderCodec.Add(headers, entry.Key, HeaderCodec.Value(entry));
            if (onlyFrame is not null)
            {
                onlyFrame.CopyTo(_call.Requests.Writer);
                _call.Requests.Writer.Complete();
            }

            listener.Accept(new InMemoryServerWire(_call, head with { Headers = headers.Freeze() }, _address));
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
