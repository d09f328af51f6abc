using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>Bytes that are no lane, or too many of them.</summary>
internal sealed class LaneException(StatusCode code, string message) : Exception(message)
{
    /// <summary>What the call ends with.</summary>
    public Status Status { get; } = new(code, message);
}
