using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>A second connection to the same peer takes up the first one's session.</summary>
public sealed class ResumptionTests
{
    [Fact]
    public async Task Connect_SecondConnection_SendsNoCertificateAgain()
    {
        using var membership = new TestMembership();
        await using var serving = new GrpcTransport(new TransportOptions { Credentials = membership.NewMember() });
        await using IPeerListener listener = await serving.ListenAsync(
            new PeerAddress("127.0.0.1", 0), [EchoMethods.OneUnary((request, _) => Task.FromResult(request))], CancellationToken.None);
        using var relay = new TcpRelay(listener.Address);
        await using var calling = new GrpcTransport(new TransportOptions { Credentials = membership.NewMember() });
        var answers = new List<long>();
        long before = 0;
        foreach (ConnectionClass purpose in new[] { ConnectionClass.Decode, ConnectionClass.Bulk })
        {
            await calling.Connect(relay.Address, purpose).AsyncUnaryCall(EchoMethods.Unary, null, default, "m").ResponseAsync.WaitAsync(TimeSpan.FromSeconds(60));
            answers.Add(relay.AnsweredBytes - before);
            before = relay.AnsweredBytes;
        }

        Assert.True(answers[1] < answers[0] - 500, $"the listener sent {answers[0]} bytes on the first connection and {answers[1]} on the second");
    }
}
