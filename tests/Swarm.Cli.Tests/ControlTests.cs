using System.Net.Sockets;
using System.Text;
using Swarm.Cli.Control;
using Swarm.Cli.Framework;
using Swarm.Testing;

namespace Swarm.Cli.Tests;

/// <summary>The control socket of a running node.</summary>
public sealed class ControlTests
{
    private static readonly ControlAnswer Answer = new("ab12", 77, "paused", 3);

    [Theory]
    [InlineData(8)]
    [InlineData(120)]
    public async Task Ask_RunningNode_AnswersWhateverThePathsLength(int nameLength)
    {
        using TemporaryFolder folder = new();
        string node = folder.File(new string('n', nameLength));
        List<ControlRequest> seen = [];
        await using (ControlServer.Listen(node, Take, TimeProvider.System))
        {
            foreach (ControlRequest request in Enum.GetValues<ControlRequest>())
                Assert.Equal(Answer, await ControlClient.AskAsync(node, request, TimeProvider.System, CancellationToken.None));
        }

        Assert.Equal(Enum.GetValues<ControlRequest>(), seen);
        Assert.False(File.Exists(ControlSocket.PathOf(node)));
        Assert.Null(await ControlClient.AskAsync(node, ControlRequest.Show, TimeProvider.System, CancellationToken.None));

        Task<ControlAnswer> Take(ControlRequest request)
        {
            seen.Add(request);
            return Task.FromResult(Answer);
        }
    }

    [Fact]
    public async Task Ask_SocketOfADeadProcess_IsNobodyAndIsReplaced()
    {
        using TemporaryFolder folder = new();
        using (Socket dead = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(folder.File("other.sock")));
            File.Move(folder.File("other.sock"), ControlSocket.PathOf(folder.Path));
        }

        Assert.True(File.Exists(ControlSocket.PathOf(folder.Path)));
        Assert.Null(await ControlClient.AskAsync(folder.Path, ControlRequest.Show, TimeProvider.System, CancellationToken.None));
        await using ControlServer server = ControlServer.Listen(folder.Path, _ => Task.FromResult(Answer), TimeProvider.System);
        Assert.NotNull(await ControlClient.AskAsync(folder.Path, ControlRequest.Show, TimeProvider.System, CancellationToken.None));
    }

    [Fact]
    public async Task Ask_NodeThatRefuses_FailsWithItsWords()
    {
        using TemporaryFolder folder = new();
        await using ControlServer server = ControlServer.Listen(folder.Path, _ => throw new InvalidOperationException("it leaves already"), TimeProvider.System);
        CommandException failure = await Assert.ThrowsAsync<CommandException>(
            () => ControlClient.AskAsync(folder.Path, ControlRequest.Pause, TimeProvider.System, CancellationToken.None));
        Assert.Equal("ControlFailed", failure.Code);
        Assert.Contains("it leaves already", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"command\":\"explode\"}\n", "expected show, pause or resume")]
    [InlineData("{\"command\":7}\n", "expected show, pause or resume")]
    [InlineData("[1,2\n", "not JSON")]
    [InlineData("[1,2]\n", "expected show, pause or resume")]
    [InlineData(null, "no line of at most 4096 bytes")]
    public async Task Serve_Nonsense_IsAnsweredAndTheNextIsServed(string? line, string expected)
    {
        using TemporaryFolder folder = new();
        await using ControlServer server = ControlServer.Listen(folder.Path, _ => Task.FromResult(Answer), TimeProvider.System);
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(ControlSocket.PathOf(folder.Path)));
        await socket.SendAsync(Encoding.UTF8.GetBytes(line ?? new string('x', ControlSocket.MaxLineBytes)));
        Assert.Contains(expected, await LineReader.ReadAsync(socket, CancellationToken.None), StringComparison.Ordinal);
        Assert.Equal(Answer, await ControlClient.AskAsync(folder.Path, ControlRequest.Show, TimeProvider.System, CancellationToken.None));
    }

    [SkippableFact]
    public async Task Listen_OnUnix_IsOpenToItsOwnerOnly()
    {
        Skip.If(OperatingSystem.IsWindows(), "Unix modes");
        if (OperatingSystem.IsWindows())
            return;
        using TemporaryFolder folder = new();
        string node = folder.File("node");
        await using ControlServer server = ControlServer.Listen(node, _ => Task.FromResult(Answer), TimeProvider.System);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(ControlSocket.PathOf(node)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(node));
    }
}
