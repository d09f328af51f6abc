using Grpc.Core;
using Swarm.Protocol.Transport;
using Swarm.Testing;

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

    [Theory, CombinatorialKinds]
    public async Task Metadata_TextAndBinary_TravelsBothWays(TransportKind kind)
    {
        byte[] bytes = [0, 1, 2, 254, 255];
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary(async (request, context) =>
        {
            await context.WriteResponseHeadersAsync(new Metadata { { "x-first", context.RequestHeaders.GetValue("x-text")! }, { "x-many", "1" }, { "x-many", "2" } });
            context.ResponseTrailers.Add("x-last-bin", context.RequestHeaders.GetValueBytes("x-bytes-bin")!);
            context.ResponseTrailers.Add("x-method", context.Method);
            return request;
        })]);
        using AsyncUnaryCall<string> call = pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, new CallOptions(new Metadata { { "X-Text", "a b, c" }, { "x-bytes-bin", bytes } }), "m");
        Assert.Equal("m", await call.ResponseAsync.WaitAsync(Patience));
        Metadata headers = await call.ResponseHeadersAsync;
        Assert.Equal("a b, c", headers.GetValue("x-first"));
        Assert.Equal(["1", "2"], headers.GetAll("x-many").Select(entry => entry.Value));
        Assert.Equal(bytes, call.GetTrailers().GetValueBytes("x-last-bin"));
        Assert.Equal("/swarm.test.Echo/Unary", call.GetTrailers().GetValue("x-method"));
    }

    [Theory, CombinatorialKinds]
    public async Task ResponseHeaders_SentByTheHandler_ArriveBeforeAnyMessage(TransportKind kind)
    {
        var goOn = new TaskCompletionSource();
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary(async (request, context) =>
        {
            await context.WriteResponseHeadersAsync(Metadata.Empty);
            await goOn.Task;
            return request;
        })]);
        using AsyncUnaryCall<string> call = pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "m");
        await call.ResponseHeadersAsync.WaitAsync(Patience);
        goOn.SetResult();
        Assert.Equal("m", await call.ResponseAsync.WaitAsync(Patience));
    }

    [Theory, CombinatorialKinds]
    public async Task Metadata_TextThatIsNotAscii_FailsTheCallBeforeItIsSent(TransportKind kind)
    {
        bool called = false;
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((request, _) =>
        {
            called = true;
            return Task.FromResult(request);
        })]);
        RpcException error = await FailAsync(pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, new CallOptions(new Metadata { { "x-text", "h\u00e9" } }), "m"));
        Assert.Equal(StatusCode.Internal, error.StatusCode);
        Assert.Contains("x-text", error.Status.Detail);
        Assert.False(called);
    }

    [Theory, CombinatorialKinds]
    public async Task Handler_ThrowsRpcException_StatusTextAndTrailersArrive(TransportKind kind)
    {
        const string text = "100 % of 3 blöcke\nsecond line \u2713";
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((_, _) =>
            throw new RpcException(new Status(StatusCode.FailedPrecondition, text), new Metadata { { "x-why", "because" } }))]);
        RpcException error = await FailAsync(pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "m"));
        Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
        Assert.Equal(text, error.Status.Detail);
        Assert.Equal("because", error.Trailers.GetValue("x-why"));
    }

    [Theory, CombinatorialKinds]
    public async Task Handler_ThrowsAfterMessages_MessagesThenStatusArrive(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneServerStream(async (request, responses, _) =>
        {
            await responses.WriteAsync("one");
            throw new RpcException(new Status(StatusCode.DataLoss, "gone"));
        })]);
        using AsyncServerStreamingCall<string> call = pair.Invoker.AsyncServerStreamingCall(EchoMethods.ServerStream, null, default, "m");
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.Equal("one", call.ResponseStream.Current);
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.Equal((StatusCode.DataLoss, "gone"), (error.StatusCode, error.Status.Detail));
        Assert.Equal(StatusCode.DataLoss, call.GetStatus().StatusCode);
    }

    [Theory, CombinatorialKinds]
    public async Task Handler_ThrowsSomethingElse_UnknownWithoutItsText(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((_, _) => throw new InvalidOperationException("secret"))]);
        RpcException error = await FailAsync(pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "m"));
        Assert.Equal(StatusCode.Unknown, error.StatusCode);
        Assert.DoesNotContain("secret", error.ToString());
    }

    [Theory, CombinatorialKinds]
    public async Task Handler_SetsStatus_TheCallEndsWithIt(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((request, context) =>
        {
            context.Status = new Status(StatusCode.NotFound, "no " + request);
            return Task.FromResult("ignored");
        })]);
        RpcException error = await FailAsync(pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "m"));
        Assert.Equal((StatusCode.NotFound, "no m"), (error.StatusCode, error.Status.Detail));
    }

    [Theory, CombinatorialKinds]
    public async Task UnknownMethod_AnyKind_IsUnimplemented(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((request, _) => Task.FromResult(request))]);
        RpcException error = await FailAsync(pair.Invoker.AsyncUnaryCall(EchoMethods.Make(MethodType.Unary, "Missing"), null, default, "m"));
        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
        using AsyncDuplexStreamingCall<string, string> duplex = pair.Invoker.AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
        error = await Assert.ThrowsAsync<RpcException>(() => duplex.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
        await AssertServesAsync(pair);
    }

    [Theory, CombinatorialKinds]
    public async Task Connect_NobodyListens_IsUnavailable(TransportKind kind)
    {
        TransportPair pair = await TransportPair.OpenAsync(kind, []);
        await using (pair)
        {
            await pair.Listener.DisposeAsync();
            RpcException error = await FailAsync(pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "m"));
            Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        }
    }

    [Theory, CombinatorialKinds]
    public async Task Listen_AddressInUse_IsATypedError(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, []);
        AddressUnavailableException error = await Assert.ThrowsAsync<AddressUnavailableException>(async () => await pair.Server.ListenAsync(pair.Listener.Address, [], CancellationToken.None));
        Assert.True(error.InUse);
        Assert.Equal(pair.Listener.Address, error.Address);
    }

    [Theory, CombinatorialKinds]
    public async Task Deadline_Passes_BothSidesLearnIt(TransportKind kind)
    {
        var time = new ManualTime();
        var options = new TransportOptions { TimeProvider = time };
        var started = new TaskCompletionSource<DateTime>();
        var stopped = new TaskCompletionSource();
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary(async (_, context) =>
        {
            await using (context.CancellationToken.Register(() => stopped.TrySetResult()))
            {
                started.TrySetResult(context.Deadline);
                await stopped.Task;
            }

            context.CancellationToken.ThrowIfCancellationRequested();
            return "too late";
        })], client: options);
        DateTime deadline = time.GetUtcNow().UtcDateTime.AddSeconds(90);
        using AsyncUnaryCall<string> call = pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, new CallOptions(deadline: deadline), "m");
        Assert.InRange(await started.Task.WaitAsync(Patience), DateTime.UtcNow, DateTime.UtcNow.AddSeconds(90));
        time.Advance(TimeSpan.FromSeconds(91));
        RpcException error = await FailAsync(call);
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        await stopped.Task.WaitAsync(Patience);
    }

    [Theory, CombinatorialKinds]
    public async Task Deadline_PassesOnTheServersClock_TheServerEndsTheCall(TransportKind kind)
    {
        var time = new ManualTime();
        var started = new TaskCompletionSource();
        await using TransportPair pair = await TransportPair.OpenAsync(
            kind,
            [EchoMethods.OneServerStream(async (_, responses, context) =>
            {
                await responses.WriteAsync("one");
                started.TrySetResult();
                var never = new TaskCompletionSource();
                await never.Task.WaitAsync(context.CancellationToken);
            })],
            server: new TransportOptions { TimeProvider = time });
        using AsyncServerStreamingCall<string> call = pair.Invoker.AsyncServerStreamingCall(EchoMethods.ServerStream, null, new CallOptions(deadline: DateTime.UtcNow.AddHours(1)), "m");
        await started.Task.WaitAsync(Patience);
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        time.Advance(TimeSpan.FromHours(2));
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
    }

    [Theory, CombinatorialKinds]
    public async Task Deadline_AlreadyPassed_NothingIsSent(TransportKind kind)
    {
        bool called = false;
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((request, _) =>
        {
            called = true;
            return Task.FromResult(request);
        })]);
        RpcException error = await FailAsync(pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, new CallOptions(deadline: DateTime.UtcNow.AddSeconds(-1)), "m"));
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        Assert.False(called);
    }

    [Theory, CombinatorialKinds]
    public async Task Cancel_ByToken_BothSidesLearnIt(TransportKind kind)
    {
        var server = new ServerProbe();
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [server.Service]);
        using var cancel = new CancellationTokenSource();
        using AsyncDuplexStreamingCall<string, string> call = pair.Invoker.AsyncDuplexStreamingCall(EchoMethods.Duplex, null, new CallOptions(cancellationToken: cancel.Token));
        await call.RequestStream.WriteAsync("hello");
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        Task<bool> reading = call.ResponseStream.MoveNext();
        cancel.Cancel();
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => reading.WaitAsync(Patience));
        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
        await server.Cancelled.WaitAsync(Patience);
        Assert.IsType<OperationCanceledException>(await server.ReadError.WaitAsync(Patience), exactMatch: false);
        await AssertServesAsync(pair);
    }

    [Theory, CombinatorialKinds]
    public async Task Cancel_ByDisposal_TheServerLearnsIt(TransportKind kind)
    {
        var server = new ServerProbe();
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [server.Service]);
        AsyncDuplexStreamingCall<string, string> call = pair.Invoker.AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
        await call.RequestStream.WriteAsync("hello");
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        call.Dispose();
        await server.Cancelled.WaitAsync(Patience);
        Assert.Equal(StatusCode.Cancelled, call.GetStatus().StatusCode);
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync("more"));
        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
    }

    [Theory, CombinatorialKinds]
    public async Task Listener_Disposed_RunningCallsEndAsUnavailable(TransportKind kind)
    {
        var server = new ServerProbe();
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [server.Service]);
        using AsyncDuplexStreamingCall<string, string> call = pair.Invoker.AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
        await call.RequestStream.WriteAsync("hello");
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        Task<bool> reading = call.ResponseStream.MoveNext();
        await pair.Listener.DisposeAsync().AsTask().WaitAsync(Patience);
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => reading.WaitAsync(Patience));
        Assert.True(error.StatusCode == StatusCode.Unavailable, error.ToString());
        await server.Cancelled.WaitAsync(Patience);
    }

    [Theory, CombinatorialKinds]
    public async Task Message_OverTheServersLimit_IsResourceExhaustedAndTheServerLivesOn(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((request, _) => Task.FromResult(request))], server: new TransportOptions { MaxReceiveMessageBytes = 100_000 });
        RpcException error = await FailAsync(pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, new string('x', 100_001)));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        Assert.Contains("100001", error.Status.Detail);
        Assert.Contains("100000", error.Status.Detail);
        await AssertServesAsync(pair);
        Assert.Equal(100_000, (await pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, new string('x', 100_000)).ResponseAsync.WaitAsync(Patience)).Length);
    }

    [Theory, CombinatorialKinds]
    public async Task Message_OverTheClientsLimits_IsResourceExhausted(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((request, _) => Task.FromResult(new string('y', int.Parse(request))))], client: new TransportOptions { MaxReceiveMessageBytes = 1000, MaxSendMessageBytes = 10 });
        Assert.Equal(StatusCode.ResourceExhausted, (await FailAsync(pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "1001"))).StatusCode);
        Assert.Equal(StatusCode.ResourceExhausted, (await FailAsync(pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "00000000001"))).StatusCode);
        Assert.Equal(1000, (await pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "1000").ResponseAsync.WaitAsync(Patience)).Length);
    }

    [Theory, CombinatorialKinds]
    public async Task Message_LargerThanEveryWindow_ComesThrough(TransportKind kind)
    {
        var options = new TransportOptions { MaxReceiveMessageBytes = 16 << 20 };
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((request, _) => Task.FromResult(request))], options, options);
        string large = string.Concat(Enumerable.Range(0, 1 << 20).Select(i => (i % 1000).ToString("D10")));
        Assert.Equal(large, await pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, large).ResponseAsync.WaitAsync(Patience));
    }

    [Theory, CombinatorialKinds]
    public async Task Message_Empty_IsAMessage(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary((request, _) => Task.FromResult(request))]);
        Assert.Equal("", await pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "").ResponseAsync.WaitAsync(Patience));
    }

    [Theory, CombinatorialKinds]
    public async Task ManyCallsAtOnce_MoreThanAHundred_NoneWaitsForAnother(TransportKind kind)
    {
        const int count = 300;
        int arrived = 0;
        var all = new TaskCompletionSource();
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneUnary(async (request, _) =>
        {
            if (Interlocked.Increment(ref arrived) == count)
                all.SetResult();
            await all.Task;
            return request;
        })]);
        CallInvoker invoker = pair.Invoker;
        Task<string>[] answers = [.. Enumerable.Range(0, count).Select(i => invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, i.ToString()).ResponseAsync)];
        string[] texts = await Task.WhenAll(answers).WaitAsync(Patience);
        Assert.Equal(Enumerable.Range(0, count).Select(i => i.ToString()), texts);
    }

    [Theory, CombinatorialKinds]
    public async Task Marshaller_StatesAWrongLength_TheCallFailsAndTheServerLivesOn(TransportKind kind)
    {
        var lying = new Marshaller<string>(
            (text, context) =>
            {
                context.SetPayloadLength(text.Length + 1);
                context.GetBufferWriter().GetSpan(1)[0] = 1;
                context.GetBufferWriter().Advance(1);
                context.Complete();
            },
            _ => "");
        var method = new Method<string, string>(MethodType.Unary, "swarm.test.Echo", "Lying", Marshallers.StringMarshaller, lying);
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [ServerServiceDefinition.CreateBuilder().AddMethod(method, (request, _) => Task.FromResult(request)).AddMethod(EchoMethods.Unary, (request, _) => Task.FromResult(request)).Build()]);
        Assert.Equal(StatusCode.Internal, (await FailAsync(pair.Invoker.AsyncUnaryCall(method, null, default, "m"))).StatusCode);
        await AssertServesAsync(pair);
    }

    [Theory, CombinatorialKinds]
    public async Task Reader_MessageThatDoesNotDeserialize_TheHandlerMayReadOn(TransportKind kind)
    {
        var strict = new Marshaller<string>(System.Text.Encoding.UTF8.GetBytes, bytes => bytes.Length == 3 ? throw new FormatException("three") : System.Text.Encoding.UTF8.GetString(bytes));
        var method = new Method<string, string>(MethodType.DuplexStreaming, "swarm.test.Echo", "Strict", strict, Marshallers.StringMarshaller);
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [ServerServiceDefinition.CreateBuilder().AddMethod(method, async (requests, responses, _) =>
        {
            while (true)
            {
                try
                {
                    if (!await requests.MoveNext())
                        return;
                    await responses.WriteAsync(requests.Current);
                }
                catch (FormatException exception)
                {
                    await responses.WriteAsync(exception.Message);
                }
            }
        }).Build()]);
        using AsyncDuplexStreamingCall<string, string> call = pair.Invoker.AsyncDuplexStreamingCall(method, null, default);
        var answers = new List<string>();
        foreach (string text in new[] { "1", "abc", "12" })
        {
            await call.RequestStream.WriteAsync(text);
            Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
            answers.Add(call.ResponseStream.Current);
        }

        Assert.Equal(["1", "three", "12"], answers);
    }

    [Theory, CombinatorialKinds]
    public async Task Write_AfterComplete_IsTheCallersMistake(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [new ServerProbe().Service]);
        using AsyncDuplexStreamingCall<string, string> call = pair.Invoker.AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
        await call.RequestStream.CompleteAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.WriteAsync("late"));
        Assert.Throws<InvalidOperationException>(() => call.GetStatus());
    }

    [Theory, CombinatorialKinds]
    public async Task Server_EndsWhileTheClientStillSends_TheClientGetsTheStatus(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneDuplex(async (requests, responses, _) =>
        {
            await requests.MoveNext();
            throw new RpcException(new Status(StatusCode.ResourceExhausted, "enough"));
        })]);
        using AsyncDuplexStreamingCall<string, string> call = pair.Invoker.AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
        await call.RequestStream.WriteAsync("1");
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.Equal((StatusCode.ResourceExhausted, "enough"), (error.StatusCode, error.Status.Detail));
        error = await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync("2"));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
    }

    [Theory, CombinatorialKinds]
    public async Task Writer_NobodyReads_WaitsInsteadOfBuffering(TransportKind kind)
    {
        const int messages = 200;
        int written = 0;
        var over = new TaskCompletionSource<int>();
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneServerStream(async (_, responses, context) =>
        {
            try
            {
                string large = new('z', 1 << 20);
                for (; written < messages; written++)
                    await responses.WriteAsync(large);
            }
            finally
            {
                over.TrySetResult(written);
            }
        })]);
        AsyncServerStreamingCall<string> call = pair.Invoker.AsyncServerStreamingCall(EchoMethods.ServerStream, null, default, "m");
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        call.Dispose();
        Assert.InRange(await over.Task.WaitAsync(Patience), 0, messages - 1);
    }

    [Theory, CombinatorialKinds]
    public async Task Handler_ReturnsWithAReadAndAWriteRunning_BothEndAndLaterOnesAreRefused(TransportKind kind)
    {
        var left = new TaskCompletionSource<(Task<bool> Read, Task Write, IServerStreamWriter<string> Writer, IAsyncStreamReader<string> Reader)>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneDuplex((requests, responses, _) =>
        {
            left.SetResult((requests.MoveNext(), responses.WriteAsync("last words"), responses, requests));
            return Task.CompletedTask;
        })]);
        using AsyncDuplexStreamingCall<string, string> call = pair.Invoker.AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.Equal("last words", call.ResponseStream.Current);
        Assert.False(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        (Task<bool> read, Task write, IServerStreamWriter<string> writer, IAsyncStreamReader<string> reader) = await left.Task.WaitAsync(Patience);
        await write.WaitAsync(Patience);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.WaitAsync(Patience));
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.WriteAsync("too late"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => reader.MoveNext());
    }

    [Theory, CombinatorialKinds]
    public async Task Write_TwoAtOnce_IsTheCallersMistake(TransportKind kind)
    {
        await using TransportPair pair = await TransportPair.OpenAsync(kind, [EchoMethods.OneDuplex(async (_, _, context) => await new TaskCompletionSource().Task.WaitAsync(context.CancellationToken))]);
        using AsyncDuplexStreamingCall<string, string> call = pair.Invoker.AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);

        // Larger than every window, and nobody reads: this write waits.
        Task waiting = call.RequestStream.WriteAsync(new string('w', 6 << 20));
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.WriteAsync("second"));
        call.Dispose();
        await Assert.ThrowsAsync<RpcException>(() => waiting.WaitAsync(Patience));
    }

    private static async Task<RpcException> FailAsync(AsyncUnaryCall<string> call)
    {
        using (call)
        {
            RpcException error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.WaitAsync(Patience));
            Assert.Equal(error.StatusCode, call.GetStatus().StatusCode);
            return error;
        }
    }

    /// <summary>Another call on the same connection gets through: what went wrong before stayed with its own call.</summary>
    private static async Task AssertServesAsync(TransportPair pair)
    {
        using AsyncUnaryCall<string> call = pair.Invoker.AsyncUnaryCall(EchoMethods.Unary, null, default, "still here");
        Assert.Equal("still here", await call.ResponseAsync.WaitAsync(Patience));
    }
}
