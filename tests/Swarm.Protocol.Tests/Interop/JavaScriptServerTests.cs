using Grpc.Core;
using Swarm.Protocol.Transport;

namespace Swarm.Protocol.Tests.Interop;

/// <summary>Our client calls a stock server.</summary>
public sealed class JavaScriptServerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [SkippableFact]
    public Task Unary_Text_ComesBackWithMetadata() => RunAsync(async invoker =>
    {
        byte[] bytes = [0, 1, 2, 254, 255];
        using AsyncUnaryCall<Text> call = Unary(invoker, "héllo", new CallOptions(new Metadata { { "x-text", "a b, c" }, { "x-bytes-bin", bytes } }));
        Assert.Equal("héllo", (await call).Text_);
        Assert.Equal("a b, c", (await call.ResponseHeadersAsync).GetValue("x-first"));
        Assert.Equal(bytes, call.GetTrailers().GetValueBytes("x-last-bin"));
    });

    [SkippableFact]
    public Task ServerStream_ManyMessagesAndAFailure_Arrive() => RunAsync(async invoker =>
    {
        using AsyncServerStreamingCall<Text> all = invoker.AsyncServerStreamingCall(InteropService.ServerStream, null, default, new Text { Text_ = "500" });
        int next = 0;
        await foreach (Text message in all.ResponseStream.ReadAllAsync())
            Assert.Equal((next++).ToString(), message.Text_);
        Assert.Equal(500, next);
        using AsyncServerStreamingCall<Text> failing = invoker.AsyncServerStreamingCall(InteropService.ServerStream, null, default, new Text { Text_ = "fail-after:3" });
        next = 0;
        RpcException error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await foreach (Text message in failing.ResponseStream.ReadAllAsync())
                next++;
        });
        Assert.Equal((StatusCode.DataLoss, "after 3", 3), (error.StatusCode, error.Status.Detail, next));
    });

    [SkippableFact]
    public Task ClientStream_ManyMessages_OneAnswer() => RunAsync(async invoker =>
    {
        using AsyncClientStreamingCall<Text, Text> call = invoker.AsyncClientStreamingCall(InteropService.ClientStream, null, default);
        for (int i = 0; i < 100; i++)
            await call.RequestStream.WriteAsync(new Text { Text_ = i.ToString() });
        await call.RequestStream.CompleteAsync();
        Assert.Equal(string.Join(',', Enumerable.Range(0, 100)), (await call).Text_);
    });

    [SkippableFact]
    public Task Duplex_PingPong_Works() => RunAsync(async invoker =>
    {
        using AsyncDuplexStreamingCall<Text, Text> call = invoker.AsyncDuplexStreamingCall(InteropService.Duplex, null, default);
        for (int i = 0; i < 50; i++)
        {
            await call.RequestStream.WriteAsync(new Text { Text_ = "q" + i });
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal("Q" + i, call.ResponseStream.Current.Text_);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    });

    [SkippableFact]
    public Task Errors_TextTrailersAndDetails_Arrive() => RunAsync(async invoker =>
    {
        const string text = "100 % of 3 blöcke\n\u2713";
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => Unary(invoker, "fail:9:" + text).ResponseAsync);
        Assert.Equal((StatusCode.FailedPrecondition, text, "because"), (error.StatusCode, error.Status.Detail, error.Trailers.GetValue("x-why")));
        error = await Assert.ThrowsAsync<RpcException>(() => Unary(invoker, "details").ResponseAsync);
        Google.Rpc.Status details = error.GetRpcStatus()!;
        Assert.Equal((9, "with details"), (details.Code, details.Message));
        Assert.Equal("particulars", Assert.Single(details.Details).Unpack<Text>().Text_);
        error = await Assert.ThrowsAsync<RpcException>(() => invoker.AsyncUnaryCall(new Method<Text, Text>(MethodType.Unary, "swarm.interop.Interop", "Missing", InteropService.Unary.RequestMarshaller, InteropService.Unary.ResponseMarshaller), null, default, new Text()).ResponseAsync);
        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
    });

    [SkippableFact]
    public Task DeadlineAndCancellation_TheServerLearnsThem() => RunAsync(async invoker =>
    {
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => Unary(invoker, "wait", new CallOptions(deadline: DateTime.UtcNow.AddMilliseconds(200))).ResponseAsync);
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        Assert.Equal("cancelled", (await invoker.AsyncUnaryCall(InteropService.LastWait, null, default, new Text())).Text_);
        using var cancel = new CancellationTokenSource();
        using AsyncUnaryCall<Text> call = Unary(invoker, "wait", new CallOptions(cancellationToken: cancel.Token));
        await call.ResponseHeadersAsync;
        cancel.Cancel();
        error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
        Assert.Equal("cancelled", (await invoker.AsyncUnaryCall(InteropService.LastWait, null, default, new Text())).Text_);
    });

    [SkippableFact]
    public Task BigMessages_UpToTheLimitsOfBothSides() => RunAsync(async invoker =>
    {
        string big = new('y', 3 << 20);
        Assert.Equal(big, (await Unary(invoker, big)).Text_);
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => Unary(invoker, new string('y', 5 << 20)).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        error = await Assert.ThrowsAsync<RpcException>(() => Unary(invoker, "size:" + (5 << 20)).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        Assert.Equal("still here", (await Unary(invoker, "still here")).Text_);
    });

    private static AsyncUnaryCall<Text> Unary(CallInvoker invoker, string text, CallOptions options = default) =>
        invoker.AsyncUnaryCall(InteropService.Unary, null, options, new Text { Text_ = text });

    private static async Task RunAsync(Func<CallInvoker, Task> test)
    {
        using NodeProgram server = NodeProgram.StartOrSkip("server.js");
        string? port = await server.Output.ReadLineAsync().WaitAsync(Patience);
        await using var transport = new GrpcTransport();
        await test(transport.Connect(new PeerAddress("127.0.0.1", int.Parse(port!)), ConnectionClass.Decode)).WaitAsync(Patience);
    }
}
