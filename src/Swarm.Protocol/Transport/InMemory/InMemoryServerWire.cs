using System.IO.Pipelines;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The serving side of a call in one process.</summary>
internal sealed class InMemoryServerWire : ServerWire
{
    private readonly InMemoryCall _call;
    private readonly RequestHead _head;
    private readonly PeerAddress _address;

    public InMemoryServerWire(InMemoryCall call, RequestHead head, PeerAddress address, PeerAuthContext caller)
    {
        _call = call;
        _head = head;
        _address = address;
        Caller = caller;
    }

    public override string Path => _head.Path;

    public override string Host => _address.ToString();

    public override string Peer => "memory:client";

    public override PeerAuthContext Caller { get; }

    public override Metadata RequestHeaders => _head.Headers;

    public override TimeSpan? Timeout => _head.Timeout;

    public override PipeReader RequestReader => _call.Requests.Reader;

    public override PipeWriter ResponseWriter => _call.Responses.Writer;

    public override CancellationToken Aborted => _call.ClientGone.Token;

    public override ValueTask SendHeadersAsync(Metadata headers, bool flush)
    {
        _call.Head.TrySetResult(new ResponseHead(Copy(headers), null));
        return default;
    }

    public override ValueTask CompleteAsync(Status status, Metadata trailers)
    {
        // Only what travels: the local cause stays behind.
        var tail = new ResponseTail(new Status(status.StatusCode, status.Detail ?? ""), Copy(trailers));
        _call.Tail = tail;
        if (!_call.Head.Task.IsCompleted)
            _call.Head.TrySetResult(new ResponseHead(tail.Trailers, tail.Status));
        _call.Responses.Writer.Complete();
        _call.Requests.Reader.Complete();
        return default;
    }

    public override void Abort()
    {
        Break(new RpcException(new Status(StatusCode.Internal, "the peer reset the stream")));
    }

    /// <summary>What both sides see when the connection below is closed.</summary>
    public void CutConnection()
    {
        _call.ClientGone.Cancel();
        Break(new RpcException(new Status(StatusCode.Unavailable, "the connection is gone: the peer is no member any more")));
    }

    private void Break(RpcException reset)
    {
        _call.Head.TrySetException(reset);
        _call.Responses.Writer.Complete(reset);
        _call.Requests.Reader.Complete(reset);
    }

    private static Metadata Copy(Metadata metadata)
    {
        var copy = new Metadata();
        foreach (Metadata.Entry entry in metadata)
            HeaderCodec.Add(copy, entry.Key, HeaderCodec.Value(entry));
        return copy;
    }
}
