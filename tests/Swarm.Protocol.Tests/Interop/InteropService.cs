using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Interop;

/// <summary>Our side of interop.proto: what <c>server.js</c> does, and the methods for calling it.</summary>
internal sealed class InteropService
{
    private TaskCompletionSource<string> _waited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public InteropService()
    {
        Definition = ServerServiceDefinition.CreateBuilder()
            .AddMethod(Unary, UnaryAsync)
            .AddMethod(ServerStream, ServerStreamAsync)
            .AddMethod(ClientStream, ClientStreamAsync)
            .AddMethod(Duplex, DuplexAsync)
            .AddMethod(LastWait, LastWaitAsync)
            .Build();
    }

    public static Method<Text, Text> Unary { get; } = Make(MethodType.Unary, "Unary");

    public static Method<Text, Text> ServerStream { get; } = Make(MethodType.ServerStreaming, "ServerStream");

    public static Method<Text, Text> ClientStream { get; } = Make(MethodType.ClientStreaming, "ClientStream");

    public static Method<Text, Text> Duplex { get; } = Make(MethodType.DuplexStreaming, "Duplex");

    public static Method<Text, Text> LastWait { get; } = Make(MethodType.Unary, "LastWait");

    public ServerServiceDefinition Definition { get; }

    private static Method<Text, Text> Make(MethodType type, string name) =>
        new(type, "swarm.interop.Interop", name, ProtobufMarshaller.Create(Text.Parser), ProtobufMarshaller.Create(Text.Parser));

    private async Task<Text> UnaryAsync(Text request, ServerCallContext context)
    {
        var headers = new Metadata();
        foreach (Metadata.Entry entry in context.RequestHeaders.GetAll("x-text"))
            headers.Add("x-first", entry.Value);
        await context.WriteResponseHeadersAsync(headers);
        foreach (Metadata.Entry entry in context.RequestHeaders.GetAll("x-bytes-bin"))
            context.ResponseTrailers.Add("x-last-bin", entry.ValueBytes);
        if (request.Text_.StartsWith("fail:", StringComparison.Ordinal))
        {
            string[] parts = request.Text_.Split(':', 3);
            throw new RpcException(new Status((StatusCode)int.Parse(parts[1]), parts[2]), new Metadata { { "x-why", "because" } });
        }

        if (request.Text_ == "details")
            throw new Google.Rpc.Status { Code = 9, Message = "with details", Details = { Any.Pack(new Text { Text_ = "particulars" }) } }.ToRpcException();
        if (request.Text_ == "wait")
            await WaitAsync(context.CancellationToken);
        return request.Text_.StartsWith("size:", StringComparison.Ordinal) ? new Text { Text_ = new string('x', int.Parse(request.Text_[5..])) } : request;
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
        }
        finally
        {
            _waited.TrySetResult("cancelled");
        }
    }

    private async Task ServerStreamAsync(Text request, IServerStreamWriter<Text> responses, ServerCallContext context)
    {
        bool fails = request.Text_.StartsWith("fail-after:", StringComparison.Ordinal);
        int count = int.Parse(fails ? request.Text_[11..] : request.Text_);
        for (int i = 0; i < count; i++)
            await responses.WriteAsync(new Text { Text_ = i.ToString() });
        if (fails)
            throw new RpcException(new Status(StatusCode.DataLoss, "after " + count));
    }

    private async Task<Text> ClientStreamAsync(IAsyncStreamReader<Text> requests, ServerCallContext context)
    {
        var texts = new List<string>();
        await foreach (Text request in requests.ReadAllAsync(context.CancellationToken))
            texts.Add(request.Text_);
        return new Text { Text_ = string.Join(',', texts) };
    }

    private async Task DuplexAsync(IAsyncStreamReader<Text> requests, IServerStreamWriter<Text> responses, ServerCallContext context)
    {
        await foreach (Text request in requests.ReadAllAsync(context.CancellationToken))
            await responses.WriteAsync(new Text { Text_ = request.Text_.ToUpperInvariant() });
    }

    private async Task<Text> LastWaitAsync(Text request, ServerCallContext context)
    {
        string text = await _waited.Task.WaitAsync(context.CancellationToken);
        _waited = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        return new Text { Text_ = text };
    }
}
