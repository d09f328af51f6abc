namespace Swarm.Protocol.Tests.Transport;

/// <summary>The transports that one contract holds for.</summary>
public enum TransportKind
{
    Grpc,
    InMemory,
}
