namespace Swarm.Protocol.Tests.Transport;

/// <summary>The transports that one contract holds for.</summary>
public enum TransportKind
{
    Grpc,
    InMemory,

    /// <summary>Over TLS, both sides members.</summary>
    GrpcMembers,

    /// <summary>In one process, both sides members.</summary>
    InMemoryMembers,
}
