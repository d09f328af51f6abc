using Swarm.Kernels.Reference;
using Swarm.Models;
using Swarm.Node;
using Swarm.Protocol;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>What goes wrong gets one typed error that says what was seen and expected; the swarm lives on.</summary>
public sealed class FaultTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task GenerateAsync_Cancelled_FreesTheCachesOfAllHops(bool inMemory)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, SwarmCluster.Split(4, 3));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        using var cancellation = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (GeneratedToken token in swarm.GenerateAsync([1, 2, 3], new GenerationOptions { MaxTokens = 200, StopAtEndOfSequence = false }, cancellation.Token))
            {
                if (token.Position == 6)
                    await cancellation.CancelAsync();
            }
        });

        await cluster.WaitUntilIdleAsync();
        Assert.All(cluster.Nodes, node => Assert.Equal((0, 0L), (node.Sessions, node.CacheBytesUsed)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task DisposeAsync_SessionNeverClosed_FreesTheCachesOfAllHops(bool inMemory)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, SwarmCluster.Split(4, 3));
        SwarmClient swarm = await cluster.ConnectAsync();
        InferenceSession session = await swarm.OpenSessionAsync();
        await session.PrefillAsync(new[] { 1, 2, 3 });
        Assert.All(cluster.Nodes, node => Assert.Equal(1, node.Sessions));

        // The links end; nobody says that the session does.
        await swarm.DisposeAsync();

        await cluster.WaitUntilIdleAsync();
        Assert.All(cluster.Nodes, node => Assert.Equal(0L, node.CacheBytesUsed));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task GenerateAsync_HopDiesAndNobodyElseServes_NamesItsBlocksAfterTheGraceTime(int dead)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: false, SwarmCluster.Split(4, 3));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        PeerId victim = cluster.Nodes[dead].Peer;

        async Task GenerateAsync()
        {
            await foreach (GeneratedToken token in swarm.GenerateAsync([1, 2, 3], new GenerationOptions { MaxTokens = 250, StopAtEndOfSequence = false, Grace = TimeSpan.FromSeconds(0.3) }))
            {
                if (token.Position == 8)
                    await cluster.KillAsync(dead);
            }
        }

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(() => GenerateAsync().WaitAsync(Patience));

        BlockSpan blocks = SwarmCluster.Split(4, 3)[dead];
        Assert.Equal(FaultKind.NoRoute, fault.Fault);
        Assert.Equal(victim, fault.Peer);
        Assert.Equal((blocks.Start, blocks.End), fault.Blocks);
        Assert.Contains($"{blocks}", fault.Message);
    }

    [Fact]
    public async Task GenerateAsync_PromptOverTheContext_IsRefusedBeforeAnythingIsSent()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(() => swarm.GenerateAsync(new int[257]).CompleteAsync());

        Assert.Equal(FaultKind.ContextExceeded, fault.Fault);
        Assert.Contains("257", fault.Message);
        Assert.Contains("256", fault.Message);
        await Assert.ThrowsAsync<SwarmException>(async () => await swarm.OpenSessionAsync(new ChainSessionOptions { ExpectedPositions = 300 }));
        Assert.Equal(0, cluster.Nodes[0].Passes);
    }

    [Fact]
    public async Task GenerateAsync_ContextReached_EndsWithLength()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();

        GenerationResult result = await swarm.GenerateAsync(new int[250], new GenerationOptions { MaxTokens = 100, StopAtEndOfSequence = false }).CompleteAsync();

        Assert.Equal(7, result.Tokens.Count);
        Assert.Equal(FinishReason.Length, result.FinishReason);
    }

    [Fact]
    public async Task OpenAsync_BlocksThatNobodyServes_NamesThem()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 1), new BlockSpan(3, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(async () => await swarm.OpenSessionAsync());

        Assert.Equal(FaultKind.NoRoute, fault.Fault);
        Assert.Equal((1, 3), fault.Blocks);
        Assert.Contains("1:3", fault.Message);
    }

    [Fact]
    public async Task OpenAsync_NodeThatCameLater_IsFound()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        await Assert.ThrowsAsync<SwarmException>(async () => await swarm.OpenSessionAsync());

        await cluster.AddAsync(new BlockSpan(2, 4));

        await using InferenceSession session = await swarm.OpenSessionAsync();
        Assert.Equal(2, session.Route.Hops.Count);
    }

    [Fact]
    public async Task ConnectAsync_AnyMembersInvite_LeadsToAllNodesAtOnce()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 3));

        foreach (NodeHost member in cluster.Nodes)
        {
            await using SwarmClient swarm = await SwarmClient.ConnectAsync(cluster.ClientOptions() with { Invite = member.Invite });
            Assert.Equal(3, swarm.Nodes.Count);
            await using InferenceSession session = await swarm.OpenSessionAsync();
        }
    }

    [Fact]
    public async Task StopAsync_NodeThatLeaves_IsForgottenByAllAtOnce()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 3));

        await cluster.Nodes[0].StopAsync(TimeSpan.Zero);

        foreach (NodeHost member in cluster.Nodes.Skip(1))
        {
            await using SwarmClient swarm = await SwarmClient.ConnectAsync(cluster.ClientOptions() with { Invite = member.Invite });
            Assert.Equal(2, swarm.Nodes.Count);
        }
    }

    [Fact]
    public async Task OpenAsync_PoolExhausted_IsNoCapacityAndGoesWhenRoomIsThere()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true);
        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 4)) with { MemoryBytes = 4 << 20 });
        await using SwarmClient swarm = await cluster.ConnectAsync();
        var options = new ChainSessionOptions { ExpectedPositions = 256 };
        var held = new List<InferenceSession>();

        SwarmException? fault = null;
        while (fault is null)
        {
            try
            {
                held.Add(await swarm.OpenSessionAsync(options));
            }
            catch (SwarmException exception)
            {
                fault = exception;
            }
        }

        Assert.Equal(FaultKind.NoCapacity, fault.Fault);
        Assert.True(held.Count >= 4, $"{held.Count} sessions of 256 positions, expected at least the 1,024 of the least pool");
        await held[0].DisposeAsync();
        await cluster.Events[0].WaitAsync(seen => seen.Any(happened => happened is NodeSessionClosed), "closed session");
        await swarm.RefreshAsync();
        await using InferenceSession again = await swarm.OpenSessionAsync(options);
        foreach (InferenceSession session in held)
            await session.DisposeAsync();
    }

    [Fact]
    public async Task ConnectAsync_OtherModel_IsModelMismatch()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(
            () => SwarmClient.ConnectAsync(cluster.ClientOptions(TestModels.Random)));

        Assert.Equal(FaultKind.ModelMismatch, fault.Fault);
    }

    [Fact]
    public async Task ConnectAsync_OtherNumericsClass_IsModelMismatch()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(
            () => SwarmClient.ConnectAsync(cluster.ClientOptions(kernels: new ReferenceKernels())));

        Assert.Equal(FaultKind.ModelMismatch, fault.Fault);
        Assert.Contains("reference", fault.Message);
    }

    [Fact]
    public async Task ConnectAsync_SameShapeOtherWeights_IsModelMismatch()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync("random:1MiB:q4_0:7", inMemory: true, new BlockSpan(0, 1));

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(
            () => SwarmClient.ConnectAsync(cluster.ClientOptions("random:1MiB:q4_0:8")));

        Assert.Equal(FaultKind.ModelMismatch, fault.Fault);
    }

    [Fact]
    public async Task ConnectAsync_NobodyThere_IsPeerUnreachable()
    {
        string invite;
        SwarmClientOptions options;
        await using (SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: false, new BlockSpan(0, 4)))
        {
            invite = cluster.Invite;
            options = cluster.ClientOptions();
        }

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(() => SwarmClient.ConnectAsync(options with { Invite = invite }));

        Assert.Equal(FaultKind.PeerUnreachable, fault.Fault);
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(-1, 2)]
    [InlineData(3, 3)]
    public async Task StartAsync_BlocksThatDoNotExist_NamesThem(int start, int end)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true);

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(() => cluster.AddAsync(new BlockSpan(start, end)));

        Assert.Equal(FaultKind.InvalidArgument, fault.Fault);
        Assert.Contains($"{start}:{end}", fault.Message);
        Assert.Contains("0:4", fault.Message);
    }

    [Fact]
    public async Task StartAsync_PortInUse_NamesTheAddress()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: false, new BlockSpan(0, 4));
        PeerAddress taken = cluster.Nodes[0].Address;

        AddressUnavailableException fault = await Assert.ThrowsAsync<AddressUnavailableException>(
            () => cluster.AddAsync(cluster.OptionsFor(null) with { Listen = taken }));

        Assert.True(fault.InUse);
        Assert.Equal(taken, fault.Address);
    }

    [Fact]
    public async Task StartAsync_JoinsASwarmOfAnotherModel_IsModelMismatch()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 2));

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(
            () => cluster.AddAsync(cluster.OptionsFor(null) with { Source = ModelSource.Open(TestModels.Random) }));

        Assert.Equal(FaultKind.ModelMismatch, fault.Fault);
    }

    [Fact]
    public async Task StopAsync_RunningSession_IsWaitedForAndThenCutOff()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 2));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        InferenceSession session = await swarm.OpenSessionAsync();
        await session.PrefillAsync(new[] { 1, 2 });

        Task stopping = cluster.Nodes[1].StopAsync(TimeSpan.FromSeconds(30));
        await cluster.Events[1].WaitAsync(seen => seen.Any(happened => happened is NodeDraining), "draining");
        await session.StepAsync(3);
        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(async () => await swarm.OpenSessionAsync());
        Assert.Contains(fault.Fault, new[] { FaultKind.NoRoute, FaultKind.Draining });
        Assert.False(stopping.IsCompleted);
        await session.DisposeAsync();
        await stopping.WaitAsync(Patience);

        await cluster.Events[1].WaitAsync(seen => seen.Any(happened => happened is NodeStopped { CutSessions: 0 }), "stop without cut sessions");
    }
}
