using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;
using Swarm.Protocol.Reflection;
using Swarm.Protocol.Tests.Transport;

namespace Swarm.Protocol.Tests.Services;

public sealed class ReflectionServiceTests
{
    [Fact]
    public async Task Info_FileOfAService_CarriesAllItsImports()
    {
        ServiceDescriptor node = Swarm.Protocol.Wire.LinkReflection.Descriptor.Services[0];
        ServerReflectionResponse answer = await AskAsync(node, new ServerReflectionRequest { FileContainingSymbol = "swarm.v1.Node.Link" });
        string[] names = [.. answer.FileDescriptorResponse.FileDescriptorProto.Select(bytes => FileDescriptorProto.Parser.ParseFrom(bytes).Name)];
        Assert.Equal(["swarm/v1/link.proto", "swarm/v1/fault.proto", "swarm/v1/tensor.proto"], names);
    }

    [Fact]
    public async Task Info_ListServices_NamesThemInOrder()
    {
        ServerReflectionResponse answer = await AskAsync(Swarm.Protocol.Wire.LinkReflection.Descriptor.Services[0], new ServerReflectionRequest { ListServices = "" });
        Assert.Equal(["grpc.reflection.v1.ServerReflection", "swarm.v1.Node"], answer.ListServicesResponse.Service.Select(service => service.Name));
    }

    [Fact]
    public async Task Info_UnknownSymbolOrNothingAsked_IsAnErrorInTheAnswer()
    {
        ServiceDescriptor node = Swarm.Protocol.Wire.LinkReflection.Descriptor.Services[0];
        Assert.Equal((int)StatusCode.NotFound, (await AskAsync(node, new ServerReflectionRequest { FileContainingSymbol = "no.Such" })).ErrorResponse.ErrorCode);
        Assert.Equal((int)StatusCode.InvalidArgument, (await AskAsync(node, new ServerReflectionRequest())).ErrorResponse.ErrorCode);
    }

    private static async Task<ServerReflectionResponse> AskAsync(ServiceDescriptor service, ServerReflectionRequest request)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(TransportKind.InMemory, [new ReflectionService([service]).Definition]);
        using AsyncDuplexStreamingCall<ServerReflectionRequest, ServerReflectionResponse> call = pair.Invoker.AsyncDuplexStreamingCall(ReflectionService.InfoMethod, null, default);
        await call.RequestStream.WriteAsync(request);
        Assert.True(await call.ResponseStream.MoveNext());
        return call.ResponseStream.Current;
    }
}
