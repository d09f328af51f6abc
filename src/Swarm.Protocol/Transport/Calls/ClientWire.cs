using System.IO.Pipelines;

namespace Swarm.Protocol.Transport;

/// <summary>The bytes of one call as its client sees them. Framing, statuses and deadlines lie above; connections below.</summary>
internal abstract class ClientWire
{
    /// <summary>Where request frames go. Ready once the stream is open; faulted when it could not be.</summary>
    public abstract Task<PipeWriter> RequestWriter { get; }

    /// <summary>Where response frames come from. Valid once <see cref="OpenAsync"/> is done.</summary>
    public abstract PipeReader ResponseReader { get; }

    /// <summary>Sends the head, and with <paramref name="onlyFrame"/> the one framed message and the end of the request. Done when the response's headers are there.</summary>
    public abstract Task<ResponseHead> OpenAsync(RequestHead head, PooledBuffer? onlyFrame, CancellationToken cancellationToken);

    /// <summary>Ends the request.</summary>
    public abstract ValueTask CompleteRequestAsync();

    /// <summary>The status and trailers. Valid when <see cref="ResponseReader"/> has been read to its end.</summary>
    public abstract ResponseTail ReadTail();

    /// <summary>Gives up the call; the other side sees its token cancelled. Safe at any time, any number of times.</summary>
    public abstract void Abort();

    /// <summary>Lets go of what a finished call holds.</summary>
    public abstract void Release();
}
