using Grpc.Core;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Reachability;

/// <summary>The methods of <c>swarm.v1.Reachability</c>.</summary>
public static class ReachabilityMethods
{
    public const string ServiceName = "swarm.v1.Reachability";

    public static Method<DialBackRequest, DialBackResponse> DialBack { get; } = new(
        MethodType.Unary, ServiceName, "DialBack", ProtobufMarshaller.Create(DialBackRequest.Parser), ProtobufMarshaller.Create(DialBackResponse.Parser));
}
