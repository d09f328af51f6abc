using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;
using Swarm.Testing;
using Xunit.Abstractions;

namespace Swarm.Protocol.Tests.Transport.Strangers;

/// <summary>Who has no valid grant gets no byte of HTTP, whatever he tries, and the node does not notice.</summary>
public sealed class StrangersTests(ITestOutputHelper output)
{
    private const byte ProtocolVersionAlert = 70;
    private const byte DecryptErrorAlert = 51;
    private const byte HandshakeFailureAlert = 40;

    private static readonly byte[] Http2Preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"u8];

    [Fact]
    public Task PlainHttp1_IsClosedWithoutHttp() => KnockAsync(async node =>
        AssertNoHttp(await node.SayAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: swarm\r\n\r\n"))));

    [Fact]
    public Task PlainHttp2_IsClosedWithoutHttp() => KnockAsync(async node => AssertNoHttp(await node.SayAsync(Http2Preface)));

    [Fact]
    public Task Garbage_IsClosedWithoutHttp() => KnockAsync(async node => AssertNoHttp(await node.SayAsync([.. Enumerable.Range(0, 2000).Select(i => (byte)(i * 7))])));

    [Fact]
    public Task Tls_WithoutCertificate_IsClosed() => KnockAsync(async node => Assert.Empty(await node.ShakeHandsAsync(null)));

    [Fact]
    public Task Tls_FreshSelfSignedKey_IsClosed() => KnockAsync(async node =>
    {
        using var key = PeerKey.Create();
        Assert.Empty(await node.ShakeHandsAsync(PeerCertificate.Create(key, null)));
    });

    [Fact]
    public Task Tls_KeyOnAnotherCurve_IsClosed() => KnockAsync(async node =>
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using X509Certificate2 certificate = new CertificateRequest("CN=swarm", key, HashAlgorithmName.SHA384).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue);
        Assert.Empty(await node.ShakeHandsAsync(certificate));
    });

    [Fact]
    public Task Tls_GrantOfAnotherSwarm_IsClosed() => KnockAsync(async node =>
    {
        using var elsewhere = new TestMembership();
        Assert.Empty(await node.ShakeHandsAsync(elsewhere.NewMember().Certificate));
    });

    [Fact]
    public Task Tls_ExpiredGrant_IsClosed() => KnockAsync(async node =>
    {
        SwarmInvite ended = node.Membership.Root.Issue([], new GrantTerms { NotAfter = DateTimeOffset.UtcNow - TimeSpan.FromMinutes(1) });
        Assert.Empty(await node.ShakeHandsAsync(node.Membership.NewMember(ended).Certificate));
    });

    [Fact]
    public Task Tls_RevokedInvite_IsClosed() => KnockAsync(async node =>
    {
        SwarmInvite revoked = node.Membership.Root.Issue([]);
        PeerCredentials former = node.Membership.NewMember(revoked);
        Assert.NotEmpty(await FirstBytesAsync(node, former));
        Assert.True(node.Server.Gate.Update(node.Membership.Root.SignRevocations(1, [new Revocation(revoked.Id, [])])));
        Assert.Empty(await node.ShakeHandsAsync(former.Certificate));
    });

    [Fact]
    public Task Tls_RevokedMemberThatResumesItsSession_IsClosed() => KnockAsync(async node =>
    {
        SwarmInvite revoked = node.Membership.Root.Issue([]);
        PeerCredentials former = node.Membership.NewMember(revoked);
        await using var transport = new GrpcTransport(new TransportOptions { Credentials = former });
        await node.CallAsync(transport);
        Assert.True(node.Server.Gate.Update(node.Membership.Root.SignRevocations(1, [new Revocation(revoked.Id, [])])));

        // Another class, so another connection: on the first, which is being cut, the call might end before the new handshake is asked for.
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => MemberWorld.CallAsync(transport, node.Endpoint, ConnectionClass.Bulk));
        Assert.True(error.StatusCode == StatusCode.Unauthenticated, error.ToString());
    });

    [Fact]
    public Task Tls_ProofOfAnotherMember_IsClosed() => KnockAsync(async node =>
    {
        using var key = PeerKey.Create();
        Assert.Empty(await node.ShakeHandsAsync(PeerCertificate.Create(key, node.Membership.NewMember().Proof!.ToBytes())));
    });

    [Fact]
    public Task Tls_GrantWithoutTheInviteKeysSignature_IsClosed() => KnockAsync(async node =>
    {
        using var key = PeerKey.Create();
        byte[] proof = node.Membership.Invite.Prove(key).ToBytes();
        proof[^1] ^= 1;
        Assert.Empty(await node.ShakeHandsAsync(PeerCertificate.Create(key, proof)));
    });

    [Fact]
    public Task Tls_MembersCertificateWithoutItsKey_FailsInTheHandshake() => KnockAsync(async node =>
    {
        PeerCredentials member = node.Membership.NewMember();
        byte[] certificate = member.Certificate.GetRawCertData();
        using (var thief = ECDsa.Create(ECCurve.NamedCurves.nistP256))
        using (var handshake = new RawHandshake())
            Assert.Equal(DecryptErrorAlert, await handshake.PresentAsync(node.Port, certificate, thief));

        // The same bytes with the member's own signature get past that point: it is the signature that counts.
        using ECDsa own = member.Certificate.GetECDsaPrivateKey()!;
        using var control = new RawHandshake();
        Assert.NotEqual(DecryptErrorAlert, await control.PresentAsync(node.Port, certificate, own));
    });

    [Fact]
    public Task Tls_MemberThatClaimsAnotherPeer_IsNotTakenForIt() => KnockAsync(async node =>
    {
        PeerId claimed = node.Membership.NewMember().Peer;
        await using var transport = new GrpcTransport(new TransportOptions { Credentials = node.Membership.NewMember() });
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => MemberWorld.CallAsync(transport, new PeerEndpoint(claimed, node.Endpoint.Addresses)));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Contains(claimed.ToString(), error.Status.Detail);
    });

    [Fact]
    public Task Tls11_IsRefused() => KnockAsync(async node =>
    {
        byte[] answer = await node.SayAsync(RawHandshake.Record(RawHandshake.Handshake, RawHandshake.ClientHello(0x0302)));
        AssertNoHttp(answer);
        Assert.Contains(answer[^1], new[] { ProtocolVersionAlert, HandshakeFailureAlert });
    });

    [Fact]
    public Task HalfOpenHandshakes_AThousand_MembersAreServed() => KnockAsync(async node =>
    {
        byte[] beginning = RawHandshake.Record(RawHandshake.Handshake, RawHandshake.ClientHello(0x0303))[..20];
        var sockets = new List<Socket>();
        try
        {
            for (int i = 0; i < 1000; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                await socket.ConnectAsync("127.0.0.1", node.Port);
                await socket.SendAsync(beginning);
                if (i % 100 == 99)
                    await node.AssertUnharmedAsync();
            }

            await node.AssertUnharmedAsync();

            // Those over the bound were let go, oldest first: the first of all has its end.
            AssertNoHttp(await GuardedNode.ReadToEndAsync(new NetworkStream(sockets[0])));
        }
        finally
        {
            foreach (Socket socket in sockets)
                socket.Dispose();
        }
    });

    private static void AssertNoHttp(byte[] heard)
    {
        // At most alerts of TLS.
        for (int at = 0; at < heard.Length; at += 5 + heard[at + 4])
            Assert.Equal(RawHandshake.Alert, heard[at]);
    }

    /// <summary>What a member hears first; for seeing that a refused one differs in nothing else.</summary>
    private static async Task<string> FirstBytesAsync(GuardedNode node, PeerCredentials member)
    {
        await using var transport = new GrpcTransport(new TransportOptions { Credentials = member });
        return await MemberWorld.CallAsync(transport, node.Endpoint);
    }

    private async Task KnockAsync(Func<GuardedNode, Task> knock)
    {
        await using GuardedNode node = await GuardedNode.OpenAsync();
        try
        {
            await knock(node);
        }
        finally
        {
            foreach (string line in node.Log.All.Where(line => line.Contains("handshake", StringComparison.OrdinalIgnoreCase) || line.Contains("member", StringComparison.Ordinal)).Take(5))
                output.WriteLine(line);
        }

        await node.AssertUnharmedAsync();
    }
}
