using System.Text.Json;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary>Many real <c>serve</c> processes that know nothing but an invite, seen through <c>status</c>.</summary>
public sealed class RealSwarmTests
{
    // Room for ten of the default model's thirty blocks.
    private const string TenBlocks = "30MiB";
    private const string SmallModel = "random:8MiB:q8_0";

    // Room for six of the small model's seventeen.
    private const string SixBlocks = "4400KiB";

    [Fact]
    public async Task Serve_SixNodesWithRoomForTenBlocksEach_CoverThirtyBlocksTwice()
    {
        await using ProcessSwarm swarm = new(["--memory", TenBlocks, "--threads", "1"]);
        await swarm.AddAsync(6);
        await using SwarmProcess status = swarm.Watch();
        JsonElement seen = await status.WaitForEventAsync(
            "status", json => Replicas(json) is { Length: 30 } replicas && replicas.All(count => count == 2), "thirty blocks with two replicas each");
        Assert.Equal(6, seen.GetProperty("nodes").GetArrayLength());
        Assert.Empty(seen.GetProperty("alerts").EnumerateArray());
        Assert.All(seen.GetProperty("nodes").EnumerateArray(), node => Assert.Equal("serving", node.GetProperty("state").GetString()));
    }

    [SkippableFact]
    public async Task Serve_TwelveProcesses_JoinLeaveDieAndComeBack()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent on Unix only");
        await using ProcessSwarm swarm = new(["--model", SmallModel, "--memory", SixBlocks, "--threads", "1"]);
        await swarm.AddAsync(12);
        await using SwarmProcess watch = swarm.Watch("--model", SmallModel);
        await watch.WaitForEventAsync("status", json => Nodes(json) == 12 && Smallest(json) >= 3, "three replicas of every block by twelve nodes");

        // The founder and one more leave politely, two die, and the rest go on: never a block that nobody serves.
        await swarm.TerminateAsync(0);
        await swarm.TerminateAsync(1);
        swarm.Kill(2);
        swarm.Kill(3);
        await watch.WaitForEventAsync(
            "status", json => Covered(json) && Nodes(json) == 8 && Smallest(json) >= 2, "two replicas of every block by the eight that stayed");

        // One that was killed comes back as who it was; a new one joins by the invite of a member that did not found the swarm.
        string peer = swarm.PeerOf(3);
        await swarm.RestartAsync(3);
        Assert.Equal(peer, swarm.PeerOf(3));
        await swarm.AddAsync(1, swarm.InviteOf(7));
        await watch.WaitForEventAsync(
            "status", json => Covered(json) && Nodes(json) == 10 && Serves(json, peer), "ten nodes, among them the one that came back");

        SwarmResult loss = await SwarmProcess.RunAsync(["score", "--join", swarm.InviteOf(7), "--model", SmallModel, "--ids", "1,2,3,4", "--json"]);
        Assert.True(loss.ExitCode == 0, loss.Error);
    }

    [SkippableFact]
    public async Task Serve_TerminatedWhileClientsGenerate_FailsNoGeneration()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent on Unix only");
        await using ProcessSwarm swarm = new(["--threads", "1"]);
        await swarm.AddAsync(1, null, "--blocks", "0:15");
        await swarm.AddAsync(2, null, "--blocks", "15:30");
        Task<SwarmResult>[] clients = [.. Enumerable.Range(0, 4).Select(_ => GenerateOnAndOnAsync(swarm))];
        Task leaving = Task.WhenAny(swarm.WaitForEventAsync(1, "sessionOpened"), swarm.WaitForEventAsync(2, "sessionOpened"));
        await leaving;
        int busy = swarm.HasSessions(1) ? 1 : 2;
        await swarm.TerminateAsync(busy);
        foreach (SwarmResult result in await Task.WhenAll(clients))
            Assert.True(result.ExitCode == 0, result.Output + result.Error);
    }

    // Generations one after another; the first that fails ends it.
    private static async Task<SwarmResult> GenerateOnAndOnAsync(ProcessSwarm swarm)
    {
        SwarmResult result = null!;
        for (int turn = 0; turn < 3; turn++)
        {
            result = await SwarmProcess.RunAsync(["generate", "--join", swarm.InviteOf(0), "Once upon a time", "--tokens", "48", "--threads", "1", "--json"]);
            if (result.ExitCode != 0)
                return result;
        }

        return result;
    }

    private static int[] Replicas(JsonElement status) =>
        status.TryGetProperty("blocks", out JsonElement blocks) ? [.. blocks.EnumerateArray().Select(block => block.GetInt32())] : [];

    private static int Smallest(JsonElement status) => Replicas(status).DefaultIfEmpty(0).Min();

    private static int Nodes(JsonElement status) =>
        status.GetProperty("nodes").EnumerateArray().Count(node => node.GetProperty("state").GetString() == "serving");

    private static bool Serves(JsonElement status, string peer) => status.GetProperty("nodes").EnumerateArray()
        .Any(node => node.GetProperty("peer").GetString() == peer && node.GetProperty("state").GetString() == "serving");

    // Not only a condition: every look between two states must satisfy it.
    private static bool Covered(JsonElement status)
    {
        Assert.True(Smallest(status) > 0, $"a block without a replica: {status}");
        return true;
    }

    /// <summary>Serving processes of one swarm on the loopback address, each with a home of its own that outlives it.</summary>
    private sealed class ProcessSwarm(IReadOnlyList<string> arguments) : IAsyncDisposable
    {
        private readonly List<Node> _nodes = [];

        /// <summary>Starts nodes; the first of all founds the swarm, the others join together by an invite. Ends when all are ready.</summary>
        public async Task AddAsync(int count, string? invite = null, params string[] more)
        {
            int first = _nodes.Count;
            if (first == 0)
            {
                _nodes.Add(Start(new TemporaryFolder(), more));
                await _nodes[0].WaitUntilReadyAsync();
                first++;
                count--;
            }

            for (int index = 0; index < count; index++)
                _nodes.Add(Start(new TemporaryFolder(), ["--join", invite ?? InviteOf(0), .. more]));
            for (int index = first; index < _nodes.Count; index++)
                await _nodes[index].WaitUntilReadyAsync();
        }

        /// <summary>Starts a node that ended again, in its home and with nothing but it.</summary>
        public async Task RestartAsync(int index)
        {
            await _nodes[index].Process.DisposeAsync();
            _nodes[index] = Start(_nodes[index].Home, []);
            await _nodes[index].WaitUntilReadyAsync();
        }

        public string InviteOf(int index) => _nodes[index].Ready.GetProperty("invite").GetString()!;

        public string PeerOf(int index) => _nodes[index].Ready.GetProperty("peer").GetString()!;

        public Task<JsonElement> WaitForEventAsync(int index, string name) => _nodes[index].Process.WaitForEventAsync(name);

        public bool HasSessions(int index) => _nodes[index].Process.OutputSoFar.Contains("sessionOpened", StringComparison.Ordinal);

        /// <summary>SIGTERM, and the polite end that follows.</summary>
        public async Task TerminateAsync(int index)
        {
            _nodes[index].Process.Terminate();
            SwarmResult result = await _nodes[index].Process.WaitForExitAsync();
            Assert.True(result.ExitCode == 0, result.Output + result.Error);
            Assert.Equal("stopped", result.Last().GetProperty("event").GetString());
        }

        public void Kill(int index) => _nodes[index].Process.Kill();

        /// <summary><c>status --watch</c>, which begins with whoever was started last.</summary>
        public SwarmProcess Watch(params string[] more) => SwarmProcess.Start(["status", "--watch", "--json", "--join", InviteOf(_nodes.Count - 1), .. more]);

        public async ValueTask DisposeAsync()
        {
            foreach (Node node in _nodes)
            {
                await node.Process.DisposeAsync();
                node.Home.Dispose();
            }
        }

        private Node Start(TemporaryFolder home, IReadOnlyList<string> more) => new(
            home,
            SwarmProcess.Start(
                ["serve", "--json", "--listen", "127.0.0.1:0", .. arguments, .. more], new Dictionary<string, string> { ["SWARM_HOME"] = home.Path }));

        private sealed class Node(TemporaryFolder home, SwarmProcess process)
        {
            public TemporaryFolder Home => home;

            public SwarmProcess Process => process;

            public JsonElement Ready { get; private set; }

            public async Task WaitUntilReadyAsync() => Ready = await process.WaitForEventAsync("ready");
        }
    }
}
