using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Swarm.Cli.Framework;
using Swarm.Models;

namespace Swarm.Cli.Processes;

/// <summary>
/// A <c>serve</c> process that this one started and ends. The child reads its stdin and ends when that closes, so that it goes with its parent
/// however the parent goes.
/// </summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(3);
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly Process _process;
    private readonly TimeProvider _time;
    private readonly Action<NodeProcess, string, JsonElement> _onEvent;
    private readonly TaskCompletionSource<JsonElement> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _invite = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;
    private string? _lastError;

    private NodeProcess(Process process, int index, BlockSpan blocks, TimeProvider time, Action<NodeProcess, string, JsonElement> onEvent)
    {
        _process = process;
        _time = time;
        _onEvent = onEvent;
        Index = index;
        Blocks = blocks;
        Pid = process.Id;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        _reading = ReadAsync();
    }

    public int Index { get; }

    public BlockSpan Blocks { get; }

    public int Pid { get; }

    /// <summary>The child's <c>ready</c> event; fails when the child ends before.</summary>
    public Task<JsonElement> Ready => _ready.Task;

    /// <summary>The child's invite, known once it listens.</summary>
    public Task<string> Invite => _invite.Task;

    /// <summary>Starts <c>serve</c> of this same program with these arguments.</summary>
    public static NodeProcess Start(
        int index, BlockSpan blocks, IEnumerable<string> arguments, TimeProvider time, Action<NodeProcess, string, JsonElement> onEvent)
    {
        ProcessStartInfo start = new(Environment.ProcessPath ?? "swarm")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Utf8,
            StandardErrorEncoding = Utf8,
            UseShellExecute = false,
            CreateNoWindow = true,
        };

        // Started as `dotnet swarm.dll`, the process is the runtime's host, not the program.
        if (Path.GetFileNameWithoutExtension(start.FileName).Equals("dotnet", StringComparison.OrdinalIgnoreCase))
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "swarm.dll"));
        start.ArgumentList.Add("serve");
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);

        // What the caller set for itself is not meant for its children, who get everything by flag.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("SWARM_", StringComparison.OrdinalIgnoreCase)).ToArray())
            start.Environment.Remove(name);
        Process process = Process.Start(start) ?? throw new CommandException("Internal", $"{start.FileName} did not start");
        return new NodeProcess(process, index, blocks, time, onEvent);
    }

    /// <summary>Kills the child as a power cut would.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // Gone already.
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // Gone already.
        }

        using CancellationTokenSource patience = new(EndPatience, _time);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        await _reading;
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        _process.Dispose();
    }

    // A second Ctrl-C ends this process at once: its children go with it then, not a moment later.
    private void OnExit(object? sender, EventArgs e) => Kill();

    private async Task ReadAsync()
    {
        Task errors = ReadErrorsAsync();
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            JsonElement json;
            try
            {
                json = JsonElement.Parse(line);
            }
            catch (JsonException)
            {
                continue;
            }

            string name = json.GetProperty("event").GetString() ?? "";
            if (name == "failed")
                Fail(json.GetProperty("code").GetString() ?? "Internal", json.GetProperty("message").GetString() ?? "");

            _onEvent(this, name, json);
            if (json.TryGetProperty("invite", out JsonElement invite))
                _invite.TrySetResult(invite.GetString() ?? "");
            if (name == "ready")
                _ready.TrySetResult(json);
        }

        await errors;
        Fail("PeerLost", $"pid {Pid} ended before it was ready: {_lastError ?? "without a word"}");
    }

    private void Fail(string code, string message)
    {
        CommandException exception = new(code, $"node {Index} (blocks {Blocks}): {message}");
        _ready.TrySetException(exception);
        _invite.TrySetException(exception);

        // Nobody may be waiting: a fleet that is ended early looks at no more of its nodes.
        _ = _ready.Task.Exception;
        _ = _invite.Task.Exception;
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            if (line.Length > 0)
                _lastError = line;
        }
    }
}
