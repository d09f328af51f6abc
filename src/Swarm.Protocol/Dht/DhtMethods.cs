using Grpc.Core;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Dht;

/// <summary>The methods of <c>swarm.v1.Dht</c>.</summary>
internal static class DhtMethods
{
    public const string ServiceName = "swarm.v1.Dht";

    public static Method<PingRequest, PingResponse> Ping { get; } = new(
        MethodType.Unary, ServiceName, "Ping", ProtobufMarshaller.Create(PingRequest.Parser), ProtobufMarshaller.Create(PingResponse.Parser));

    public static Method<FindNodeRequest, FindNodeResponse> FindNode { get; } = new(
        MethodType.Unary, ServiceName, "FindNode", ProtobufMarshaller.Create(FindNodeRequest.Parser), ProtobufMarshaller.Create(FindNodeResponse.Parser));

    public static Method<FindRecordsRequest, FindRecordsResponse> FindRecords { get; } = new(
        MethodType.Unary, ServiceName, "FindRecords", ProtobufMarshaller.Create(FindRecordsRequest.Parser), ProtobufMarshaller.Create(FindRecordsResponse.Parser));

    public static Method<StoreRequest, StoreResponse> Store { get; } = new(
        MethodType.Unary, ServiceName, "Store", ProtobufMarshaller.Create(StoreRequest.Parser), ProtobufMarshaller.Create(StoreResponse.Parser));
}
