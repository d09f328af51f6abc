using System.IO.Pipelines;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>The bytes of one call as its server sees them.</summary>
internal abstract class ServerWire
{
    public abstract string Path { get; }

    public abstract string Host { get; }

    public abstract string Peer { get; }

    /// <summary>Who calls, as its connection has proven.</summary>
    public abstract PeerAuthContext Caller { get; }

    public abstract Metadata RequestHeaders { get; }

    /// <summary>Time that the client gives; null: no limit.</summary>
    public abstract TimeSpan? Timeout { get; }

    public abstract PipeReader RequestReader { get; }

    public abstract PipeWriter ResponseWriter { get; }

    /// <summary>Cancelled when the client or its connection goes away.</summary>
    public abstract CancellationToken Aborted { get; }

    /// <summary>Sends the response headers; with <paramref name="flush"/> at once, otherwise together with the message that follows.</summary>
    public abstract ValueTask SendHeadersAsync(Metadata headers, bool flush);

    /// <summary>Ends the answer. When no headers were sent, all of it travels as one block of headers.</summary>
    public abstract ValueTask CompleteAsync(Status status, Metadata trailers);

    /// <summary>Cuts the stream: part of a message may be out already.</summary>
    public abstract void Abort();
}
