using Swarm.Client;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Node;
using Swarm.Protocol;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary>Guests, peers whose certificates carry no proof of any grant, before nodes that are processes: a public swarm takes them, a private one does not.</summary>
public sealed class PublicSwarmTests : IDisposable
{
    private static readonly string Model = TestData.Path("families/llama");
    private static readonly string[] Serve = ["serve", "--json", "--listen", "127.0.0.1:0", "--model", Model, "--blocks", "0:4"];

    private readonly List<IDisposable> _owned = [];

    public void Dispose()
    {
        _owned.Reverse();
        _owned.ForEach(owned => owned.Dispose());
    }

    [Fact]
    public async Task Public_TakesAClientAndANodeWithoutAProof()
    {
        await using SwarmProcess founder = SwarmProcess.Start([.. Serve, "--public"]);
        SwarmInvite invite = await InviteOfAsync(founder);
        Assert.True(invite.Grant.IsPublic);

        await using NodeHost node = await ServeAsGuestAsync(invite);
        SwarmResult status = await SwarmProcess.RunAsync(["status", "--json", "--join", invite.ToText()]);
        Assert.True(status.ExitCode == 0, status.Error);
        Assert.Equal([2, 2, 2, 2], status.Last().GetProperty("blocks").EnumerateArray().Select(replicas => replicas.GetInt32()));

        await using SwarmClient client = await ConnectAsGuestAsync(invite);
        GenerationResult result = await client.GenerateAsync([5, 17, 3], new GenerationOptions { MaxTokens = 4 }).CompleteAsync();
        Assert.Equal(4, result.Tokens.Count);
    }

    [Fact]
    public async Task Private_TakesNeither()
    {
        await using SwarmProcess founder = SwarmProcess.Start(Serve);
        SwarmInvite invite = await InviteOfAsync(founder);
        Assert.False(invite.Grant.IsPublic);

        await Assert.ThrowsAsync<SwarmException>(() => ServeAsGuestAsync(invite));
        await Assert.ThrowsAsync<SwarmException>(() => ConnectAsGuestAsync(invite));

        // It is the missing proof: with one, the same client comes in.
        await using SwarmClient member = await SwarmClient.ConnectAsync(ClientOptions(invite));
    }

    private static async Task<SwarmInvite> InviteOfAsync(SwarmProcess node) =>
        SwarmInvite.Parse((await node.WaitForEventAsync("ready")).GetProperty("invite").GetString()!);

    private static SwarmClientOptions ClientOptions(SwarmInvite invite) => new() { Invite = invite.ToText(), Model = Model, Kernels = new CpuKernels(1) };

    private Task<SwarmClient> ConnectAsGuestAsync(SwarmInvite invite) =>
        SwarmClient.ConnectAsync(ClientOptions(invite) with { Transport = member => new GrpcTransport(Guest(member.Key, invite)) });

    private Task<NodeHost> ServeAsGuestAsync(SwarmInvite invite)
    {
        var key = PeerKey.Create();
        _owned.Add(key);
        return NodeHost.StartAsync(new NodeOptions
        {
            Source = ModelSource.Open(Model),
            Kernels = new CpuKernels(1),
            Blocks = new BlockSpan(0, 4),
            MemoryBytes = 1L << 30,
            Listen = new PeerAddress("127.0.0.1", 0),
            Key = key,
            Invite = invite,
            Transport = member => new GrpcTransport(Guest(member.Key, invite)),
        });
    }

    // What anybody can make who knows the swarm's id: a certificate, and no proof in it. The guest itself takes members and guests.
    private TransportOptions Guest(PeerKey key, SwarmInvite invite)
    {
        PeerCredentials credentials = PeerCredentials.Create(key, null, new MembershipGate(invite.Swarm, isPublic: true, TimeProvider.System));
        _owned.Add(credentials);
        return new TransportOptions { Credentials = credentials };
    }
}
