using Grpc.Core;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Protocol.Directory;

/// <summary>The methods of <c>swarm.v1.Directory</c>.</summary>
public static class DirectoryMethods
{
    public const string ServiceName = "swarm.v1.Directory";

    public static Method<ManifestRequest, ManifestPart> GetManifest { get; } = new(
        MethodType.ServerStreaming, ServiceName, "GetManifest", ProtobufMarshaller.Create(ManifestRequest.Parser), ProtobufMarshaller.Create(ManifestPart.Parser));

    public static Method<ExchangeRequest, ExchangeResponse> Exchange { get; } = new(
        MethodType.Unary, ServiceName, "Exchange", ProtobufMarshaller.Create(ExchangeRequest.Parser), ProtobufMarshaller.Create(ExchangeResponse.Parser));
}
