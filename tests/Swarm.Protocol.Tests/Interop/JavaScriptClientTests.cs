using Swarm.Protocol.Health;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Reflection;
using Swarm.Protocol.Transport;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Interop;

/// <summary>A stock client calls our server.</summary>
public sealed class JavaScriptClientTests
{
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Server_CalledByGrpcJs_EveryCheckPasses(bool secure)
    {
        using var membership = new TestMembership();
        using var folder = new TemporaryFolder();
        PeerCredentials server = membership.NewMember();
        PeerCredentials member = membership.NewMember();
        File.WriteAllText(Path.Combine(folder.Path, "server.pem"), server.Certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder.Path, "member.pem"), member.Certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder.Path, "member.key"), member.Key.ToPem());
        await using var transport = new GrpcTransport(new TransportOptions { Credentials = secure ? server : null });
        var health = new HealthService();
        health.SetStatus("", Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.Serving);
        var reflection = new ReflectionService([InteropReflection.Descriptor.Services[0], Grpc.Health.V1.HealthReflection.Descriptor.Services[0]]);
        await using IPeerListener listener = await transport.ListenAsync(new PeerAddress("127.0.0.1", 0), [new InteropService().Definition, health.Definition, reflection.Definition], CancellationToken.None);
        using NodeProgram client = NodeProgram.StartOrSkip("client.js", secure ? [listener.Address.ToString(), folder.Path] : [listener.Address.ToString()]);
        var lines = new List<string>();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        try
        {
            while (await client.Output.ReadLineAsync(patience.Token) is { } line)
                lines.Add(line);
        }
        catch (OperationCanceledException)
        {
            lines.Add("the next check hangs");
        }

        Assert.Equal(
            ["unary", "metadata", "serverStreaming", "serverStreamingFails", "clientStreaming", "duplexStreaming", "errorWithTrailers", "errorWithDetails", "unknownMethod", "deadline",
             "cancellation", "messageOfThreeMebibytes", "requestOverTheLimit", "answerOverTheLimit", "compressedRequest", "health", "reflection"],
            lines.Select(line => line.StartsWith("ok ", StringComparison.Ordinal) ? line[3..] : line));
    }
}
