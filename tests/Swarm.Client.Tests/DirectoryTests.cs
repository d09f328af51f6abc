using Swarm.Models;
using Swarm.Node;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Client.Tests;

/// <summary>Nodes and clients find one another, and lose one another, without anybody who is special.</summary>
public sealed class DirectoryTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Kill_ANode_IsOutOfEverybodysSnapshot(bool inMemory)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(
            TestModels.Llama, inMemory, new BlockSpan(0, 4), new BlockSpan(0, 4), new BlockSpan(0, 2), new BlockSpan(2, 4));
        PeerId victim = cluster.Nodes[1].Peer;
        await using SwarmClient before = await cluster.ConnectAsync();
        Assert.Equal(4, before.Nodes.Count);

        await cluster.KillAsync(1);

        foreach (int index in (int[])[0, 2, 3])
        {
            await cluster.Events[index].WaitAsync(seen => seen.Any(happened => happened is NodePeerLeft left && left.Peer == victim), "word that the killed node left");
            Assert.Null(cluster.Nodes[index].Directory.Find(victim));
        }

        // Its records are still held, and whoever looks them up is told.
        await using SwarmClient after = await cluster.ConnectAsync();
        Assert.DoesNotContain(after.Nodes, node => node.Peer == victim);
        await using InferenceSession session = await after.OpenSessionAsync();
    }

    [Fact]
    public async Task OpenAsync_FirstCallToADeadNodeFails_ItIsHiddenAndAnotherServes()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: false, new BlockSpan(0, 4), new BlockSpan(0, 4));
        await using SwarmClient swarm = await cluster.ConnectAsync();
        InferenceSession first = await swarm.OpenSessionAsync();
        PeerId used = first.Route.Hops[0].Peer!.Value;
        await first.DisposeAsync();

        await cluster.KillAsync(cluster.Nodes[0].Peer == used ? 0 : 1);

        await using InferenceSession second = await swarm.OpenSessionAsync();
        Assert.NotEqual(used, second.Route.Hops[0].Peer);
        Assert.DoesNotContain(swarm.Nodes, node => node.Peer == used);
    }

    [Fact]
    public async Task FirstNode_Leaves_TheOthersGoOnAndLetNewOnesIn()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 3));
        string other = cluster.Nodes[2].Invite;

        await cluster.Nodes[0].StopAsync(TimeSpan.Zero);
        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 2)) with { Invite = SwarmInvite.Parse(other) });

        await using SwarmClient swarm = await SwarmClient.ConnectAsync(cluster.ClientOptions() with { Invite = other });
        Assert.Equal(3, swarm.Nodes.Count);
        await using InferenceSession session = await swarm.OpenSessionAsync();
    }

    [Fact]
    public async Task Rejoin_WithTheSameKey_IsSeenAgain()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 2), new BlockSpan(2, 4));
        PeerKey key = cluster.NewKey();
        NodeOptions Again() => cluster.OptionsFor(new BlockSpan(0, 4)) with { Key = key };
        await cluster.AddAsync(Again());
        await cluster.KillAsync(2);
        await cluster.Events[0].WaitAsync(seen => seen.Any(happened => happened is NodePeerLeft left && left.Peer == key.Id), "word that the killed node left");

        await cluster.AddAsync(Again());

        await cluster.Events[0].WaitAsync(
            seen => seen.Count(happened => happened is NodePeerJoined joined && joined.Peer == key.Id) == 2, "word that it is back");
        Assert.NotNull(cluster.Nodes[0].Directory.Find(key.Id));
    }

    [Fact]
    public async Task TwoModels_InOneSwarm_DoNotMix()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        SwarmInvite anyModel = SwarmInvite.Parse(cluster.Invite).WithModel(default, "");
        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 2)) with { Source = ModelSource.Open(TestModels.Random), Invite = anyModel });
        await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(2, TestModels.BlocksOf(TestModels.Random))) with { Source = ModelSource.Open(TestModels.Random), Invite = anyModel });

        await using SwarmClient llama = await cluster.ConnectAsync();
        await using SwarmClient random = await SwarmClient.ConnectAsync(cluster.ClientOptions(TestModels.Random));

        Assert.Equal([cluster.Nodes[0].Peer], llama.Nodes.Select(node => node.Peer));
        Assert.Equal(2, random.Nodes.Count);
        Assert.Equal(cluster.Nodes[1].ModelIdentity, cluster.Nodes[2].ModelIdentity);
        await using InferenceSession one = await llama.OpenSessionAsync();
        await using InferenceSession two = await random.OpenSessionAsync();
        Assert.Equal(2, two.Route.Hops.Count);
    }

    [Fact]
    public async Task StartAsync_BootstrapGone_StartsAloneWhereItMay()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        SwarmInvite invite = SwarmInvite.Parse(cluster.Invite);
        await cluster.KillAsync(0);
        NodeOptions options = cluster.OptionsForInvite(new BlockSpan(0, 4), invite);

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(() => cluster.AddAsync(options));
        Assert.Equal(FaultKind.PeerUnreachable, fault.Fault);

        await cluster.AddAsync(cluster.OptionsForInvite(new BlockSpan(0, 4), invite) with { MayStartAlone = true });
        await using SwarmClient swarm = await cluster.ConnectAsync();
        Assert.Single(swarm.Nodes);
    }

    [Fact]
    public async Task Revocation_ToldToOneNode_ReachesAllAndShutsOut()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, SwarmCluster.Split(4, 3));
        SwarmInvite ended = cluster.Root.Issue(cluster.Nodes[0].Addresses);
        await using (SwarmClient guest = await SwarmClient.ConnectAsync(cluster.ClientOptions() with { Invite = ended.ToText() }))
            Assert.Equal(3, guest.Nodes.Count);
        RevocationList list = cluster.Root.SignRevocations(1, [new Revocation(ended.Id, [])]);
        Task[] heard = [.. cluster.Nodes.Select(node =>
        {
            var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            node.Membership.Changed += () => source.TrySetResult();
            return source.Task;
        })];

        await using SwarmMember operating = cluster.NewMember();
        await operating.JoinAsync([cluster.Nodes[0].Addresses[0]], mayBeAlone: false, CancellationToken.None);
        Assert.True(await operating.PublishRevocationsAsync(list, CancellationToken.None) > 0);

        await Task.WhenAll(heard).WaitAsync(Patience);
        await Assert.ThrowsAsync<SwarmException>(() => SwarmClient.ConnectAsync(cluster.ClientOptions() with { Invite = ended.ToText() }));
        await using SwarmClient member = await cluster.ConnectAsync();
    }

    [Fact]
    public async Task OpenAsync_OnePeerRefuses_AnotherServes()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4), new BlockSpan(0, 4));
        RefusingTransport? transport = null;
        await using SwarmClient swarm = await SwarmClient.ConnectAsync(
            cluster.ClientOptions() with { Transport = credentials => transport = new RefusingTransport(cluster.NewTransport(credentials)) });

        // Whoever is asked first.
        PeerId? refusing = null;
        transport!.Refuses = (endpoint, method) => method == "Link" && (refusing ??= endpoint.Peer) == endpoint.Peer;
        await using InferenceSession session = await swarm.OpenSessionAsync();

        Assert.NotNull(refusing);
        Assert.NotEqual(refusing, session.Route.Hops[0].Peer);
    }

    [Fact]
    public async Task OpenAsync_LastPeerRefusesOnceAsItEnds_IsNoRoute()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        RefusingTransport? transport = null;
        await using SwarmClient swarm = await SwarmClient.ConnectAsync(
            cluster.ClientOptions() with { Transport = credentials => transport = new RefusingTransport(cluster.NewTransport(credentials)) });

        await cluster.KillAsync(0);
        int asked = 0;
        transport!.Refuses = (_, method) => method == "Link" && Interlocked.Increment(ref asked) <= 2;
        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(async () => await swarm.OpenSessionAsync());

        Assert.Equal(FaultKind.NoRoute, fault.Fault);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OpenAsync_InviteRevokedMeanwhile_IsNotAMember(bool inMemory)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, new BlockSpan(0, 4), new BlockSpan(0, 4));
        SwarmInvite ended = cluster.Root.Issue(cluster.Nodes[0].Addresses);
        await using SwarmClient guest = await SwarmClient.ConnectAsync(cluster.ClientOptions() with { Invite = ended.ToText() });
        RevocationList list = cluster.Root.SignRevocations(1, [new Revocation(ended.Id, [])]);
        foreach (NodeHost node in cluster.Nodes)
            node.Membership.Update(list);

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(async () => await guest.OpenSessionAsync());
        Assert.Equal(FaultKind.NotAMember, fault.Fault);
        fault = await Assert.ThrowsAsync<SwarmException>(async () => await guest.OpenSessionAsync());
        Assert.Equal(FaultKind.NotAMember, fault.Fault);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ConnectAsync_InviteExpired_IsNotAMember(bool inMemory)
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory, new BlockSpan(0, 4));
        SwarmInvite ended = cluster.Root.Issue(cluster.Nodes[0].Addresses, new GrantTerms { NotAfter = DateTimeOffset.UtcNow - TimeSpan.FromMinutes(1) });

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(() => SwarmClient.ConnectAsync(cluster.ClientOptions() with { Invite = ended.ToText() }));
        Assert.Equal(FaultKind.NotAMember, fault.Fault);
    }

    [Fact]
    public async Task JoinAsync_RefusedOnceByOneThatEnds_IsUnreachable()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        int asked = 0;
        PeerEndpoint there = cluster.Nodes[0].Addresses[0];
        await using SwarmMember member = cluster.NewMember(credentials => new RefusingTransport(cluster.NewTransport(credentials))
        {
            Refuses = (_, _) => Interlocked.Increment(ref asked) == 1,
        });
        await cluster.KillAsync(0);

        SwarmException fault = await Assert.ThrowsAsync<SwarmException>(() => member.JoinAsync([there], mayBeAlone: false, CancellationToken.None));
        Assert.Equal(FaultKind.PeerUnreachable, fault.Fault);
    }

    [Fact]
    public async Task Revocation_NobodyServesTheNewcomersModel_IsHeardFromTheDht()
    {
        await using SwarmCluster cluster = await SwarmCluster.StartAsync(TestModels.Llama, inMemory: true, new BlockSpan(0, 4));
        SwarmInvite ended = cluster.Root.Issue(cluster.Nodes[0].Addresses);
        await using (SwarmMember operating = cluster.NewMember())
        {
            await operating.JoinAsync([cluster.Nodes[0].Addresses[0]], mayBeAlone: false, CancellationToken.None);
            await operating.PublishRevocationsAsync(cluster.Root.SignRevocations(1, [new Revocation(ended.Id, [])]), CancellationToken.None);
        }

        NodeHost alone = await cluster.AddAsync(cluster.OptionsFor(new BlockSpan(0, 1)) with { Source = ModelSource.Open(TestModels.Random), Invite = cluster.Root.Issue(cluster.Nodes[0].Addresses) });

        Assert.Equal(1ul, alone.Membership.Revocations?.Sequence);
    }
}
