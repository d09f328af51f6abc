using Grpc.Core;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>Methods on text, for the tests of the transports.</summary>
internal static class EchoMethods
{
    public static readonly Method<string, string> Unary = Make(MethodType.Unary, "Unary");
    public static readonly Method<string, string> ServerStream = Make(MethodType.ServerStreaming, "ServerStream");
    public static readonly Method<string, string> ClientStream = Make(MethodType.ClientStreaming, "ClientStream");
    public static readonly Method<string, string> Duplex = Make(MethodType.DuplexStreaming, "Duplex");

    public static Method<string, string> Make(MethodType type, string name) => new(type, "swarm.test.Echo", name, Marshallers.StringMarshaller, Marshallers.StringMarshaller);

    public static ServerServiceDefinition OneUnary(UnaryServerMethod<string, string> handler) => ServerServiceDefinition.CreateBuilder().AddMethod(Unary, handler).Build();

    public static ServerServiceDefinition OneServerStream(ServerStreamingServerMethod<string, string> handler) => ServerServiceDefinition.CreateBuilder().AddMethod(ServerStream, handler).Build();

    public static ServerServiceDefinition OneClientStream(ClientStreamingServerMethod<string, string> handler) => ServerServiceDefinition.CreateBuilder().AddMethod(ClientStream, handler).Build();

    public static ServerServiceDefinition OneDuplex(DuplexStreamingServerMethod<string, string> handler) => ServerServiceDefinition.CreateBuilder().AddMethod(Duplex, handler).Build();
}
