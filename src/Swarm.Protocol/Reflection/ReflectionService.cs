using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Reflection;

/// <summary>
/// <c>grpc.reflection.v1.ServerReflection</c>, and the same under its older name <c>v1alpha</c>, whose messages have the same bytes: tools list and call a peer's
/// services without its proto files.
/// </summary>
public sealed class ReflectionService
{
    private readonly List<string> _services = [];
    private readonly Dictionary<string, FileDescriptor> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileDescriptor> _symbols = new(StringComparer.Ordinal);

    /// <param name="services">What the listener serves; this service itself is added.</param>
    public ReflectionService(IEnumerable<ServiceDescriptor> services)
    {
        ArgumentNullException.ThrowIfNull(services);
        foreach (ServiceDescriptor service in services.Append(ReflectionReflection.Descriptor.Services[0]))
        {
            _services.Add(service.FullName);
            AddFile(service.File);
        }

        _services.Sort(StringComparer.Ordinal);
        Definition = ServerServiceDefinition.CreateBuilder()
            .AddMethod(InfoMethod, InfoAsync)
            .AddMethod(Method("grpc.reflection.v1alpha.ServerReflection"), InfoAsync)
            .Build();
    }

    /// <summary>For calling it.</summary>
    public static Method<ServerReflectionRequest, ServerReflectionResponse> InfoMethod { get; } = Method("grpc.reflection.v1.ServerReflection");

    public ServerServiceDefinition Definition { get; }

    private static Method<ServerReflectionRequest, ServerReflectionResponse> Method(string service) =>
        new(MethodType.DuplexStreaming, service, "ServerReflectionInfo", ProtobufMarshaller.Create(ServerReflectionRequest.Parser), ProtobufMarshaller.Create(ServerReflectionResponse.Parser));

    private static ErrorResponse NotFound(string what) => new() { ErrorCode = (int)StatusCode.NotFound, ErrorMessage = what };

    /// <summary>The file and all that it imports, each once.</summary>
    private static FileDescriptorResponse Answer(FileDescriptor file)
    {
        var answer = new FileDescriptorResponse();
        var seen = new HashSet<string>(StringComparer.Ordinal) { file.Name };
        var open = new Queue<FileDescriptor>([file]);
        while (open.TryDequeue(out FileDescriptor? next))
        {
            answer.FileDescriptorProto.Add(next.SerializedData);
            foreach (FileDescriptor import in next.Dependencies)
                if (seen.Add(import.Name))
                    open.Enqueue(import);
        }

        return answer;
    }

    private async Task InfoAsync(IAsyncStreamReader<ServerReflectionRequest> requests, IServerStreamWriter<ServerReflectionResponse> responses, ServerCallContext context)
    {
        while (await requests.MoveNext(context.CancellationToken))
            await responses.WriteAsync(Answer(requests.Current));
    }

    private ServerReflectionResponse Answer(ServerReflectionRequest request)
    {
        var answer = new ServerReflectionResponse { ValidHost = request.Host, OriginalRequest = request };
        switch (request.MessageRequestCase)
        {
            case ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                answer.ListServicesResponse = new ListServiceResponse();
                foreach (string name in _services)
                    answer.ListServicesResponse.Service.Add(new ServiceResponse { Name = name });
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileByFilename when _files.TryGetValue(request.FileByFilename, out FileDescriptor? file):
                answer.FileDescriptorResponse = Answer(file);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol when _symbols.TryGetValue(request.FileContainingSymbol, out FileDescriptor? file):
                answer.FileDescriptorResponse = Answer(file);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType when _symbols.ContainsKey(request.AllExtensionNumbersOfType):
                answer.AllExtensionNumbersResponse = new ExtensionNumberResponse { BaseTypeName = request.AllExtensionNumbersOfType };
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.None:
                answer.ErrorResponse = new ErrorResponse { ErrorCode = (int)StatusCode.InvalidArgument, ErrorMessage = "message_request: none is set" };
                break;
            default:
                answer.ErrorResponse = NotFound("no file, symbol or extension of that name");
                break;
        }

        return answer;
    }

    private void AddFile(FileDescriptor file)
    {
        if (!_files.TryAdd(file.Name, file))
            return;
        foreach (ServiceDescriptor service in file.Services)
        {
            _symbols.TryAdd(service.FullName, file);
            foreach (MethodDescriptor method in service.Methods)
                _symbols.TryAdd(method.FullName, file);
        }

        foreach (EnumDescriptor type in file.EnumTypes)
            _symbols.TryAdd(type.FullName, file);
        foreach (MessageDescriptor type in file.MessageTypes)
            AddMessage(type);
        foreach (FileDescriptor import in file.Dependencies)
            AddFile(import);
    }

    private void AddMessage(MessageDescriptor type)
    {
        _symbols.TryAdd(type.FullName, type.File);
        foreach (FieldDescriptor field in type.Fields.InDeclarationOrder())
            _symbols.TryAdd(field.FullName, type.File);
        foreach (EnumDescriptor nested in type.EnumTypes)
            _symbols.TryAdd(nested.FullName, type.File);
        foreach (MessageDescriptor nested in type.NestedTypes)
            AddMessage(nested);
    }
}
