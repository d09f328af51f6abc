using Grpc.Core;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Weights;

/// <summary>The methods of <c>swarm.v1.Weights</c>.</summary>
public static class WeightsMethods
{
    public const string ServiceName = "swarm.v1.Weights";

    public static Method<FetchRequest, FetchPart> Fetch { get; } = new(
        MethodType.ServerStreaming, ServiceName, "Fetch", ProtobufMarshaller.Create(FetchRequest.Parser), ProtobufMarshaller.Create(FetchPart.Parser));
}
