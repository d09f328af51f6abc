using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>A connection that did not come about, with the status that its calls get.</summary>
internal sealed class TransportException : IOException
{
    public TransportException(Status status, Exception? inner = null)
        : base(status.Detail, inner)
    {
        Status = status;
    }

    public Status Status { get; }

    /// <summary>Somebody answered who is not the one that was asked for.</summary>
    public bool AnotherAnswered { get; init; }
}
