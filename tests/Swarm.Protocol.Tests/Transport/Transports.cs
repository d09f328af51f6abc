using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>Makes the transports of each kind.</summary>
internal static class Transports
{
    public static ITransport New(TransportKind kind, InMemoryNetwork network, TransportOptions options) => kind switch
    {
        TransportKind.InMemory or TransportKind.InMemoryMembers => new InMemoryTransport(network, options),
        TransportKind.GrpcMembersWithoutLanes => new GrpcTransport(options with { MaxLanes = 0 }),
        _ => new GrpcTransport(options) { AllCallsByLane = kind == TransportKind.Lanes },
    };
}
