namespace Swarm.Protocol.Tests.Transport;

/// <summary>The transports that one contract holds for.</summary>
public enum TransportKind
{
    Grpc,
    InMemory,

    /// <summary>Over TLS, both sides members.</summary>
    GrpcMembers,

    /// <summary>The same, every call by a lane of its own.</summary>
    Lanes,

    /// <summary>The same, with nobody who knows lanes.</summary>
    GrpcMembersWithoutLanes,

    /// <summary>In one process, both sides members.</summary>
    InMemoryMembers,
}
