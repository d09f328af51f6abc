using System.Text.Json;
using Swarm.Testing.Networks;
using Swarm.Testing.Processes;

namespace Swarm.Testing.Trials;

/// <summary>A <c>serve</c> process with a home that outlives it, so that it comes back as who it was, at the same address.</summary>
public sealed class ServeNode : IAsyncDisposable
{
    private readonly TemporaryFolder _home = new();
    private readonly IReadOnlyList<string> _arguments;
    private readonly NetworkHost? _host;

    /// <param name="blocks">The span that it serves, as <c>A:B</c>.</param>
    /// <param name="arguments">Further arguments of <c>serve</c>.</param>
    /// <param name="invite">Of the swarm that it joins; null founds one.</param>
    /// <param name="host">Where it runs; null: on the loopback address.</param>
    internal ServeNode(string blocks, IReadOnlyList<string> arguments, string? invite, NetworkHost? host)
    {
        Blocks = blocks;
        _arguments = arguments;
        _host = host;
        Process = Start(host is null ? "127.0.0.1:0" : $"{host.Address}:31330", invite is null ? [] : ["--join", invite]);
    }

    public string Blocks { get; }

    public SwarmProcess Process { get; private set; }

    public string Peer { get; private set; } = "";

    public string Address { get; private set; } = "";

    public string Invite { get; private set; } = "";

    /// <summary>False from the time that somebody killed it or stopped it until it is ready again.</summary>
    public bool IsUp { get; private set; }

    public void Kill()
    {
        IsUp = false;
        Process.Kill();
    }

    public void Freeze()
    {
        IsUp = false;
        Process.Freeze();
    }

    public void Thaw()
    {
        Process.Thaw();
        IsUp = true;
    }

    /// <summary>SIGTERM, and the polite end that follows.</summary>
    public async Task<SwarmResult> TerminateAsync()
    {
        IsUp = false;
        Process.Terminate();
        return await Process.WaitForExitAsync();
    }

    /// <summary>Starts it again after its process has ended or was killed; it goes back to its home's swarm.</summary>
    public async Task RestartAsync()
    {
        await Process.DisposeAsync();
        Process = Start(Address, []);
        await WaitUntilReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        _home.Dispose();
    }

    internal async Task WaitUntilReadyAsync()
    {
        JsonElement ready = await Process.WaitForEventAsync("ready");
        Peer = ready.GetProperty("peer").GetString()!;
        Address = ready.GetProperty("address").GetString()!;
        Invite = ready.GetProperty("invite").GetString()!;
        IsUp = true;
    }

    private SwarmProcess Start(string listen, IReadOnlyList<string> join) => SwarmProcess.Start(
        ["serve", "--json", "--listen", listen, "--blocks", Blocks, .. join, .. _arguments],
        new Dictionary<string, string> { ["SWARM_HOME"] = _home.Path },
        _host);
}
