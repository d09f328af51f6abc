using System.IO.Pipelines;
using Grpc.Core;
using Swarm.Protocol.Membership;

namespace Swarm.Protocol.Transport;

/// <summary>A call to an endpoint of the same process.</summary>
internal sealed class InMemoryClientWire : ClientWire
{
    private readonly InMemoryNetwork _network;
    private readonly PeerEndpoint _endpoint;
    private readonly PeerCredentials? _credentials;
    private readonly InMemoryCall _call = new();

    public InMemoryClientWire(InMemoryNetwork network, PeerEndpoint endpoint, PeerCredentials? credentials)
    {
        _network = network;
        _endpoint = endpoint;
        _credentials = credentials;
        RequestWriter = Task.FromResult(_call.Requests.Writer);
    }

    public override Task<PipeWriter> RequestWriter { get; }

    public override PipeReader ResponseReader => _call.Responses.Reader;

    public override Task<ResponseHead> OpenAsync(RequestHead head, PooledBuffer? onlyFrame, CancellationToken cancellationToken)
    {
        using (onlyFrame)
        {
            InMemoryListener listener = Dial(out PeerAuthContext caller);
            var headers = new Metadata();
            foreach (Metadata.Entry entry in head.Headers)
                HeaderCodec.Add(headers, entry.Key, HeaderCodec.Value(entry));
            if (onlyFrame is not null)
            {
                onlyFrame.CopyTo(_call.Requests.Writer);
                _call.Requests.Writer.Complete();
            }

            listener.Accept(new InMemoryServerWire(_call, head with { Headers = headers.Freeze() }, listener.Address, caller), _credentials);
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

    /// <summary>The first address where the right peer answers; the last failure when none does.</summary>
    private InMemoryListener Dial(out PeerAuthContext caller)
    {
        Status failure = TransportStatuses.NobodyListens(_endpoint.Addresses);
        foreach (PeerAddress address in _endpoint.Addresses)
        {
            if (_network.Find(address) is not { } listener)
                continue;
            if (listener.Meet(_credentials, _endpoint.Peer, out caller) is not { } refusal)
                return listener;
            failure = refusal;
        }

        throw new RpcException(failure);
    }
}
