using Grpc.Core;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>What every transport does alike.</summary>
public sealed class TransportContractTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory, CombinatorialKinds]
    public async Task Unary_Message_ComesBack(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((request, _) => Task.FromResult("<" + request + ">"))]);
        using AsyncUnaryCall<string> call = pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "héllo");
        Assert.Equal("<héllo>", await call.ResponseAsync.WaitAsync(Patience));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Theory, CombinatorialKinds]
    public async Task Duplex_PingPong_EachAnswerComesBeforeTheNextQuestion(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneDuplex(async (requests, responses, _) =>
        {
            await foreach (string request in requests.ReadAllAsync())
                await responses.WriteAsync("re: " + request);
        })]);
        using AsyncDuplexStreamingCall<string, string> call = pair.Invoker.AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
        for (int i = 0; i < 200; i++)
        {
            await call.RequestStream.WriteAsync("q" + i).WaitAsync(Patience);
            Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
            Assert.Equal("re: q" + i, call.ResponseStream.Current);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Theory, CombinatorialKinds]
    public async Task ServerStream_ManyMessages_ComeInOrder(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneServerStream(async (request, responses, _) =>
        {
            for (int i = 0; i < int.Parse(request); i++)
                await responses.WriteAsync(i.ToString());
        })]);
        using AsyncServerStreamingCall<string> call = pair.Invoker.AsyncServerStreamingCall(EchoMethods.ServerStream, null, default, "1000");
        int next = 0;
        await foreach (string message in call.ResponseStream.ReadAllAsync())
            Assert.Equal((next++).ToString(), message);
        Assert.Equal(1000, next);
    }

    [Theory, CombinatorialKinds]
    public async Task ClientStream_ManyMessages_OneAnswer(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneClientStream(async (requests, _) =>
        {
            int total = 0;
            await foreach (string request in requests.ReadAllAsync())
                total += request.Length;
            return total.ToString();
        })]);
        using AsyncClientStreamingCall<string, string> call = pair.Invoker.AsyncClientStreamingCall(EchoMethods.ClientStream, null, default);
        for (int i = 0; i < 100; i++)
            await call.RequestStream.WriteAsync(new string('x', 1000));
        await call.RequestStream.CompleteAsync();
        Assert.Equal("100000", await call.ResponseAsync.WaitAsync(Patience));
    }
}
