using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Cli.Tests.Serving;

/// <summary><c>swarm serve</c> as a guest of the machine: priority, metrics, service manager, log. One small model, loopback only.</summary>
public sealed class ServeProcessTests
{
    private static readonly string[] Serve = ["serve", "--json", "--listen", "127.0.0.1:0", "--model", "random:8MiB:q8_0", "--blocks", "0:17"];

    [Fact]
    public async Task Serve_WithMetrics_AnswersThemAndWhetherItIsReady()
    {
        await using SwarmProcess node = SwarmProcess.Start([.. Serve, "--metrics", "127.0.0.1:0", "--max-upload", "800Mbit", "--drain-seconds", "0"]);
        string address = (await node.WaitForEventAsync("metrics")).GetProperty("address").GetString()!;
        using HttpClient client = new() { BaseAddress = new Uri($"http://{address}"), Timeout = SwarmProcess.Patience };
        Assert.Equal("alive\n", await client.GetStringAsync("/healthz"));
        JsonElement ready = await node.WaitForEventAsync("ready");
        Assert.Equal("ready\n", await client.GetStringAsync("/readyz"));

        SwarmResult score = await SwarmProcess.RunAsync(["score", "--model", "random:8MiB:q8_0", "--ids", "1,2,3", "--json", "--join", ready.GetProperty("invite").GetString()!]);
        Assert.True(score.ExitCode == 0, score.Error);
        string text = await client.GetStringAsync("/metrics");
        Assert.Contains("\nswarm_node_ready 1\n", text, StringComparison.Ordinal);
        Assert.Contains("\nswarm_node_blocks 17\n", text, StringComparison.Ordinal);
        Assert.Contains("\nswarm_wire_upload_limit_bytes_per_second 100000000\n", text, StringComparison.Ordinal);
        Assert.Matches("\nswarm_node_tokens_total\\{swarm_step_kind=\"[a-z]+\"\\} [1-9]", text);
        Assert.Matches("\nswarm_wire_sent_bytes_total [1-9][0-9]{3}", text);
        Assert.Matches("\nrpc_server_call_duration_seconds_count\\{[^}]*rpc_system_name=\"grpc\"\\} [1-9]", text);
        Assert.Matches("\nprocess_cpu_time_seconds_total\\{cpu_mode=\"user\"\\} [0-9.]+\n", text);
        Assert.Contains("# TYPE dotnet_gc_collections_total counter\n", text, StringComparison.Ordinal);
        Assert.All(text.TrimEnd('\n').Split('\n'), line => Assert.Matches("^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\\{.*\\})? [0-9.E+-]+)$", line));

        node.Terminate();
        SwarmResult result = await node.WaitForExitAsync();
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("stopped", result.Last().GetProperty("event").GetString());
    }

    [Fact]
    public async Task Serve_WithMetricsWhereSomebodyListens_NamesTheAddress()
    {
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        SwarmResult result = await SwarmProcess.RunAsync([.. Serve, "--metrics", other.LocalEndpoint.ToString()!]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("AddressInUse", result.Last().GetProperty("code").GetString());
        Assert.Contains(other.LocalEndpoint.ToString()!, result.Error, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(10)]
    [InlineData(3, "--nice", "3")]
    [InlineData(0, "--child")]
    [InlineData(7, "--child", "--nice", "7")]
    public async Task Serve_AllItsThreads_HaveThePriorityAskedFor(int expected, params string[] arguments)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "reads /proc");
        int own = Niceness($"/proc/self/task/{Environment.ProcessId}");
        Skip.IfNot(own <= expected, $"the tests themselves run at niceness {own}, and nobody may go before that");
        await using SwarmProcess node = SwarmProcess.Start([.. Serve, "--threads", "2", .. arguments]);
        await node.WaitForEventAsync("ready");
        string[] threads = Directory.GetDirectories($"/proc/{node.Id}/task");
        Assert.True(threads.Length > 4, $"{threads.Length} threads");
        Assert.All(threads, thread => Assert.Equal(Math.Max(own, expected), Niceness(thread)));
    }

    [SkippableFact]
    public async Task Serve_UnderSystemd_SaysReadyAliveAndStopping()
    {
        Skip.If(OperatingSystem.IsWindows(), "systemd's sockets");
        using TemporaryFolder folder = new();
        using Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(folder.File("notify")));
        using TemporaryFolder home = new();
        Dictionary<string, string> environment = new()
        {
            ["NOTIFY_SOCKET"] = folder.File("notify"),
            ["WATCHDOG_USEC"] = "200000",
            ["SWARM_HOME"] = home.Path,
        };
        await using SwarmProcess node = SwarmProcess.Start([.. Serve, "--drain-seconds", "0"], environment);
        await ReceiveAsync(manager, "READY=1");
        await ReceiveAsync(manager, "WATCHDOG=1");
        node.Terminate();
        await ReceiveAsync(manager, "STOPPING=1");
        Assert.Equal(0, (await node.WaitForExitAsync()).ExitCode);
    }

    [Theory]
    [InlineData(false, @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warn) Swarm\.[A-Za-z]+: ")]
    [InlineData(true, @"^<[64]>Swarm\.[A-Za-z]+: ")]
    public async Task Serve_WithoutATerminal_LogsLinesByCategory(bool journal, string expected)
    {
        using TemporaryFolder home = new();
        Dictionary<string, string> environment = new() { ["SWARM_HOME"] = home.Path, ["JOURNAL_STREAM"] = journal ? "8:1" : "" };
        await using SwarmProcess node = SwarmProcess.Start([.. Serve, "--drain-seconds", "0"], environment);
        await node.WaitForEventAsync("ready");
        node.Terminate();
        SwarmResult result = await node.WaitForExitAsync();
        string[] lines = result.Error.TrimEnd('\n').Split('\n');
        Assert.All(lines, line => Assert.Matches(expected, line));
        Assert.Contains(lines, line => line.Contains("Swarm.Node: Listening on 127.0.0.1:", StringComparison.Ordinal));
        Assert.All(result.Output.TrimEnd('\n').Split('\n'), line => Assert.StartsWith("{\"event\":", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Serve_WithLogNone_KeepsStderrEmpty()
    {
        using TemporaryFolder home = new();
        File.WriteAllText(home.File("swarm.json"), """{ "log": "none" }""");
        await using SwarmProcess node = SwarmProcess.Start([.. Serve, "--drain-seconds", "0", "--home", home.Path]);
        await node.WaitForEventAsync("ready");
        node.Terminate();
        Assert.Equal("", (await node.WaitForExitAsync()).Error);
    }

    private static async Task ReceiveAsync(Socket manager, string state)
    {
        byte[] buffer = new byte[4096];
        using CancellationTokenSource patience = new(SwarmProcess.Patience);
        string seen = "";
        try
        {
            do
            {
                int length = await manager.ReceiveAsync(buffer, patience.Token);
                seen += "[" + Encoding.UTF8.GetString(buffer, 0, length) + "]";
            }
            while (!seen.Contains(state, StringComparison.Ordinal));
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"no {state} within {SwarmProcess.Patience.TotalSeconds} s; seen: {seen}");
        }
    }

    // stat's field 19; the second, the name in parentheses, may hold spaces.
    private static int Niceness(string thread)
    {
        string stat = File.ReadAllText(Path.Combine(thread, "stat"));
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture);
    }
}
