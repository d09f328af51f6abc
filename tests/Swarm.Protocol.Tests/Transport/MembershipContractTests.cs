using Grpc.Core;
using Swarm.Protocol.Links;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>Whom every transport lets in and out, alike.</summary>
public sealed class MembershipContractTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly ServerServiceDefinition WhoCalls = EchoMethods.OneUnary((_, context) => Task.FromResult($"{context.GetPeer()} {context.GetGrant()}"));

    [Theory, MemberKinds]
    public async Task Call_ByAMember_TheServerKnowsPeerAndGrant(TransportKind kind)
    {
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, WhoCalls);
        PeerCredentials client = world.Membership.NewMember();
        ITransport transport = world.NewTransport(client);
        Assert.Equal($"{client.Peer} {world.Membership.Invite.Id}", await MemberWorld.CallAsync(transport, world.Endpoint));
        Assert.Equal($"{client.Peer} {world.Membership.Invite.Id}", await MemberWorld.CallAsync(transport, world.Listener.Address));
    }

    [Theory, MemberKinds]
    public async Task Call_AuthContext_NamesThePeer(TransportKind kind)
    {
        AuthContext? seen = null;
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, EchoMethods.OneUnary((request, context) =>
        {
            seen = context.AuthContext;
            return Task.FromResult(request);
        }));
        PeerCredentials client = world.Membership.NewMember();
        await world.CallAsync(client, world.Endpoint);
        Assert.True(seen!.IsPeerAuthenticated);
        Assert.Equal(client.Peer.ToByteString().ToByteArray(), Assert.Single(seen.PeerIdentity).ValueBytes);
    }

    [Theory, MemberKinds]
    public async Task Call_PinnedToAnother_IsUnavailableAndNamesBoth(TransportKind kind)
    {
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, WhoCalls);
        PeerCredentials client = world.Membership.NewMember();
        ITransport transport = world.NewTransport(client);

        // An open connection to the same address must not serve the pinned call.
        await MemberWorld.CallAsync(transport, world.Listener.Address);
        PeerId other = world.Membership.NewMember().Peer;
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => MemberWorld.CallAsync(transport, new PeerEndpoint(other, world.Listener.Address)));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Contains(other.ToString(), error.Status.Detail);
        Assert.Contains(world.Server.Peer.ToString(), error.Status.Detail);
        Assert.Equal(FaultKind.PeerUnreachable, RpcFaults.Translate(error, world.Listener.Address, FaultKind.PeerUnreachable).Fault);
    }

    [Theory, MemberKinds]
    public async Task Call_FirstAddressDead_TheNextIsTaken(TransportKind kind)
    {
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, WhoCalls);
        IPeerListener gone = await world.NewTransport(world.Membership.NewMember()).ListenAsync(new PeerAddress("127.0.0.1", 0), [], CancellationToken.None);
        await gone.DisposeAsync();
        IPeerListener other = await world.NewTransport(world.Membership.NewMember()).ListenAsync(new PeerAddress("127.0.0.1", 0), [], CancellationToken.None);
        await world.CallAsync(world.Membership.NewMember(), new PeerEndpoint(world.Server.Peer, [gone.Address, other.Address, world.Listener.Address]));
    }

    [Theory, MemberKinds]
    public async Task Call_WithoutProof_IsUnauthenticated(TransportKind kind)
    {
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, WhoCalls);
        using var key = PeerKey.Create();
        using PeerCredentials stranger = PeerCredentials.Create(key, null, new MembershipGate(world.Membership.Swarm, isPublic: false, TimeProvider.System));
        Status status = await world.FailAsync(stranger, world.Endpoint);
        Assert.True(status.StatusCode == StatusCode.Unauthenticated, status + " " + status.DebugException);
        Assert.Contains(world.Listener.Address.ToString(), status.Detail);
        Assert.Equal(FaultKind.NotAMember, RpcFaults.Translate(new RpcException(status), world.Listener.Address, FaultKind.PeerUnreachable).Fault);
    }

    [Theory, MemberKinds]
    public async Task Call_WithoutProof_FiftyTimes_IsUnauthenticatedEachTime(TransportKind kind)
    {
        // The refusal races with the connection's first use; whichever comes first, the caller learns the reason.
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, WhoCalls);
        for (int call = 0; call < 50; call++)
        {
            using var key = PeerKey.Create();
            using PeerCredentials stranger = PeerCredentials.Create(key, null, new MembershipGate(world.Membership.Swarm, isPublic: false, TimeProvider.System));
            Assert.Equal(StatusCode.Unauthenticated, (await world.FailAsync(stranger, world.Endpoint)).StatusCode);
        }
    }

    [Theory, MemberKinds]
    public async Task Call_ToAnotherSwarm_IsUnavailable(TransportKind kind)
    {
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, WhoCalls);
        using var elsewhere = new TestMembership();
        Status status = await world.FailAsync(elsewhere.NewMember(), world.Endpoint);
        Assert.Equal(StatusCode.Unavailable, status.StatusCode);
        Assert.Contains(nameof(MembershipRefusal.AnotherSwarm), status.Detail);
    }

    [Theory, MemberKinds]
    public async Task Call_OnlyOneSideHasCredentials_IsUnavailable(TransportKind kind)
    {
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, WhoCalls);
        Assert.Equal(StatusCode.Unavailable, (await world.FailAsync(null, world.Endpoint)).StatusCode);
        IPeerListener clear = await world.NewTransport(null).ListenAsync(new PeerAddress("127.0.0.1", 0), [WhoCalls], CancellationToken.None);
        Assert.Equal(StatusCode.Unavailable, (await world.FailAsync(world.Membership.NewMember(), clear.Address)).StatusCode);
    }

    [Theory, MemberKinds]
    public async Task Call_GrantEnded_IsUnauthenticated(TransportKind kind)
    {
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, WhoCalls);
        SwarmInvite ended = world.Membership.Root.Issue([], new GrantTerms { NotAfter = DateTimeOffset.UtcNow - TimeSpan.FromMinutes(1) });
        Assert.Equal(StatusCode.Unauthenticated, (await world.FailAsync(world.Membership.NewMember(ended), world.Endpoint)).StatusCode);
    }

    [Theory, MemberKinds]
    public async Task Revocation_OfTheCaller_CutsItsCallAndKeepsItOut(TransportKind kind)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, EchoMethods.OneDuplex(async (requests, responses, context) =>
        {
            try
            {
                await foreach (string request in requests.ReadAllAsync(context.CancellationToken))
                    await responses.WriteAsync(request);
            }
            finally
            {
                if (context.CancellationToken.IsCancellationRequested)
                    cancelled.TrySetResult();
            }
        }));
        SwarmInvite invite = world.Membership.Root.Issue([]);
        PeerCredentials leaving = world.Membership.NewMember(invite);
        PeerCredentials staying = world.Membership.NewMember(invite);
        ITransport leavingTransport = world.NewTransport(leaving);
        using AsyncDuplexStreamingCall<string, string> cut = await EchoOnceAsync(leavingTransport, world.Endpoint);
        using AsyncDuplexStreamingCall<string, string> kept = await EchoOnceAsync(world.NewTransport(staying), world.Endpoint);

        Assert.True(world.Server.Gate.Update(world.Membership.Root.SignRevocations(1, [new Revocation(invite.Id, [staying.Peer])])));
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => cut.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.True(error.StatusCode == StatusCode.Unavailable, error.ToString());
        await cancelled.Task.WaitAsync(Patience);
        Status again = (await Assert.ThrowsAsync<RpcException>(() => EchoOnceAsync(leavingTransport, world.Endpoint))).Status;
        Assert.True(again.StatusCode == StatusCode.Unauthenticated, again.ToString());

        await kept.RequestStream.WriteAsync("still").WaitAsync(Patience);
        Assert.True(await kept.ResponseStream.MoveNext().WaitAsync(Patience));
    }

    [Theory, MemberKinds]
    public async Task Revocation_OfTheListener_CutsTheDiallersCall(TransportKind kind)
    {
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, EchoMethods.OneDuplex(async (requests, responses, context) =>
        {
            await foreach (string request in requests.ReadAllAsync(context.CancellationToken))
                await responses.WriteAsync(request);
        }));
        PeerCredentials client = world.Membership.NewMember(world.Membership.Root.Issue([]));
        ITransport transport = world.NewTransport(client);
        using AsyncDuplexStreamingCall<string, string> cut = await EchoOnceAsync(transport, world.Endpoint);
        Assert.True(client.Gate.Update(world.Membership.Root.SignRevocations(1, [new Revocation(world.Membership.Invite.Id, [])])));
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => cut.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.True(error.StatusCode == StatusCode.Unavailable, error.ToString());
        Status again = (await Assert.ThrowsAsync<RpcException>(() => EchoOnceAsync(transport, world.Endpoint))).Status;
        Assert.Contains(nameof(MembershipRefusal.Revoked), again.Detail);
    }

    [Theory, MemberKinds]
    public async Task GrantOfTheCaller_Ends_CutsItsCallWithinAMinute(TransportKind kind)
    {
        var time = new ManualTime(DateTimeOffset.UtcNow);
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, Echo, time: time);
        SwarmInvite ending = world.Membership.Root.Issue([], new GrantTerms { NotAfter = time.GetUtcNow() + TimeSpan.FromMinutes(10) });
        ITransport transport = world.NewTransport(world.Membership.NewMember(ending));
        using AsyncDuplexStreamingCall<string, string> cut = await EchoOnceAsync(transport, world.Endpoint);
        using AsyncDuplexStreamingCall<string, string> kept = await EchoOnceAsync(world.NewTransport(world.Membership.NewMember()), world.Endpoint);
        time.Advance(TimeSpan.FromMinutes(9));
        await cut.RequestStream.WriteAsync("still").WaitAsync(Patience);
        Assert.True(await cut.ResponseStream.MoveNext().WaitAsync(Patience));

        time.Advance(TimeSpan.FromMinutes(2));

        RpcException error = await Assert.ThrowsAsync<RpcException>(() => cut.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.True(error.StatusCode == StatusCode.Unavailable, error.ToString());
        await kept.RequestStream.WriteAsync("still").WaitAsync(Patience);
        Assert.True(await kept.ResponseStream.MoveNext().WaitAsync(Patience));
    }

    [Theory, MemberKinds]
    public async Task GrantOfTheListener_Ends_CutsTheDiallersCallWithinAMinute(TransportKind kind)
    {
        var time = new ManualTime(DateTimeOffset.UtcNow);
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, Echo, new GrantTerms { NotAfter = time.GetUtcNow() + TimeSpan.FromMinutes(10) }, time);
        ITransport transport = world.NewTransport(world.Membership.NewMember(world.Membership.Root.Issue([])));
        using AsyncDuplexStreamingCall<string, string> cut = await EchoOnceAsync(transport, world.Endpoint);

        time.Advance(TimeSpan.FromMinutes(11));

        RpcException error = await Assert.ThrowsAsync<RpcException>(() => cut.ResponseStream.MoveNext().WaitAsync(Patience));
        Assert.True(error.StatusCode == StatusCode.Unavailable, error.ToString());
    }

    [Theory, MemberKinds]
    public async Task Call_GuestOfAPublicSwarm_IsServedUnderItsOwnId(TransportKind kind)
    {
        await using MemberWorld world = await MemberWorld.OpenAsync(kind, WhoCalls, new GrantTerms { Public = true });
        using var key = PeerKey.Create();
        using PeerCredentials guest = PeerCredentials.Create(key, null, new MembershipGate(world.Membership.Swarm, isPublic: true, TimeProvider.System));
        Assert.Equal($"{guest.Peer} ", await world.CallAsync(guest, world.Endpoint));
    }

    private static ServerServiceDefinition Echo => EchoMethods.OneDuplex(async (requests, responses, context) =>
    {
        await foreach (string request in requests.ReadAllAsync(context.CancellationToken))
            await responses.WriteAsync(request);
    });

    private static async Task<AsyncDuplexStreamingCall<string, string>> EchoOnceAsync(ITransport transport, PeerEndpoint endpoint)
    {
        AsyncDuplexStreamingCall<string, string> call = transport.Connect(endpoint, ConnectionClass.Decode).AsyncDuplexStreamingCall(EchoMethods.Duplex, null, default);
        await call.RequestStream.WriteAsync("first").WaitAsync(Patience);
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Patience));
        return call;
    }
}
