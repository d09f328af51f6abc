using Grpc.Core;

namespace Swarm.Protocol.Links;

/// <summary>The method that carries a chain: <c>swarm.v1.Node/Link</c>.</summary>
public static class LinkService
{
    public const string Name = "swarm.v1.Node";

    public static Method<LinkMessage, LinkMessage> Link { get; } =
        new(MethodType.DuplexStreaming, Name, "Link", LinkMarshaller.Instance, LinkMarshaller.Instance);
}
