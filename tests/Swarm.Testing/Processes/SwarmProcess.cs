using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Swarm.Testing.Networks;

namespace Swarm.Testing.Processes;

/// <summary>
/// The built program as a process, with its own empty home and no <c>SWARM_*</c> variables of the caller. Lines are read as they come; waiting is for an
/// event under a time-out that names it.
/// </summary>
public sealed class SwarmProcess : IAsyncDisposable
{
    /// <summary>How long a transition may take before the test says which one is missing; generous, because machines are busy.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly Process _process;
    private readonly TemporaryFolder? _home;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly StringBuilder _output = new();
    private readonly List<OutputLine> _arrived = [];
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _ended;
    private readonly StringBuilder _error = new();
    private readonly Task _reading;

    private SwarmProcess(Process process, TemporaryFolder? home)
    {
        _process = process;
        _home = home;
        _reading = Task.WhenAll(ReadOutputAsync(), ReadErrorAsync());
    }

    /// <summary>The program that the build made.</summary>
    public static string ProgramPath { get; } = FindProgram();

    public int Id => _process.Id;

    public StreamWriter Input => _process.StandardInput;

    /// <summary>What stderr has said so far.</summary>
    public string ErrorSoFar
    {
        get
        {
            lock (_error)
                return _error.ToString();
        }
    }

    /// <summary>What stdout has said so far.</summary>
    public string OutputSoFar
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>The lines of stdout so far, each with its time.</summary>
    public IReadOnlyList<OutputLine> LinesSoFar
    {
        get
        {
            lock (_output)
                return [.. _arrived];
        }
    }

    /// <summary>Runs to the end. Input null leaves stdin empty.</summary>
    public static async Task<SwarmResult> RunAsync(
        IReadOnlyList<string> arguments, string? input = null, IReadOnlyDictionary<string, string>? environment = null, NetworkHost? host = null)
    {
        await using SwarmProcess process = Start(arguments, environment, host);
        try
        {
            await process.Input.WriteAsync(input);
            process.Input.Close();
        }
        catch (IOException)
        {
            // It ended without reading.
        }

        return await process.WaitForExitAsync();
    }

    // A shell starts its background jobs with SIGINT ignored, and children inherit that: a test of Ctrl-C gives the program its default back.
    private static bool InterruptIsIgnored =>
        OperatingSystem.IsLinux()
        && File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) is { } mask
        && (Convert.ToUInt64(mask["SigIgn:".Length..].Trim(), 16) & 2) != 0;

    /// <summary>Starts the program, in a network of its own where a host is given.</summary>
    public static SwarmProcess Start(
        IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null, NetworkHost? host = null)
    {
        // Each of these becomes the next, so that the process id is the program's.
        string[] prefix = [.. host?.Prefix ?? [], .. InterruptIsIgnored ? (string[])["env", "--default-signal=INT"] : []];
        string[] words = [.. prefix, ProgramPath, .. arguments];
        ProcessStartInfo start = new(words[0], words[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = Utf8,
            StandardOutputEncoding = Utf8,
            StandardErrorEncoding = Utf8,
            UseShellExecute = false,
        };
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("SWARM_", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(name);
        TemporaryFolder? home = null;
        if (environment?.ContainsKey("SWARM_HOME") != true)
        {
            home = new TemporaryFolder();
            start.Environment["SWARM_HOME"] = home.Path;
        }

        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return new SwarmProcess(Process.Start(start) ?? throw new InvalidOperationException($"{ProgramPath} did not start"), home);
    }

    /// <summary>Reads on to the next event of this name.</summary>
    public Task<JsonElement> WaitForEventAsync(string name) => WaitForEventAsync(name, _ => true, $"event '{name}'");

    /// <summary>Reads on to the next event of this name that satisfies a condition.</summary>
    /// <param name="name">The event's name.</param>
    /// <param name="reached">The condition.</param>
    /// <param name="what">What is missing when it does not come.</param>
    public async Task<JsonElement> WaitForEventAsync(string name, Func<JsonElement, bool> reached, string what)
    {
        using CancellationTokenSource patience = new(Patience);
        try
        {
            await foreach (string line in _lines.Reader.ReadAllAsync(patience.Token))
            {
                JsonElement json = SwarmResult.ParseEvent(line);
                string seen = json.GetProperty("event").GetString()!;
                if (seen == name && reached(json))
                    return json;
                if (seen == "failed")
                    throw new InvalidOperationException($"waiting for {what}: {line}");
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"no {what} within {Patience.TotalSeconds} s; stdout: {_output}; stderr: {ErrorSoFar}");
        }

        throw new InvalidOperationException($"the program ended without {what}; stdout: {_output}; stderr: {ErrorSoFar}");
    }

    /// <summary>Ends when the lines so far satisfy a condition, or stdout has ended; false then. Takes nothing from those who wait for events.</summary>
    public async Task<bool> WaitForLinesAsync(Func<IReadOnlyList<OutputLine>, bool> reached, string what)
    {
        using CancellationTokenSource patience = new(Patience);
        while (true)
        {
            Task next;
            lock (_output)
            {
                if (reached(_arrived))
                    return true;
                if (_ended)
                    return false;
                next = _next.Task;
            }

            try
            {
                await next.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"no {what} within {Patience.TotalSeconds} s; stdout: {OutputSoFar}; stderr: {ErrorSoFar}");
            }
        }
    }

    /// <summary>Ctrl-C, as a signal to this process alone.</summary>
    public void Interrupt() => Signal(2);

    public void Terminate() => Signal(15);

    public void Kill() => _process.Kill();

    /// <summary>Stands still, all connections open, until <see cref="Thaw"/>.</summary>
    public void Freeze() => Signal(19);

    public void Thaw() => Signal(18);

    public async Task<SwarmResult> WaitForExitAsync()
    {
        using CancellationTokenSource patience = new(Patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
            await _reading.WaitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"the program did not end within {Patience.TotalSeconds} s; stdout: {_output}; stderr: {ErrorSoFar}");
        }

        return new SwarmResult(_process.ExitCode, _output.ToString(), ErrorSoFar) { Lines = LinesSoFar };
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_process.HasExited)
                _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
        catch (InvalidOperationException)
        {
            // Gone already.
        }

        _process.Dispose();
        _home?.Dispose();
    }

    private static string FindProgram()
    {
        // tests/X/bin/CONFIGURATION/FRAMEWORK/ -> src/Swarm.Cli/bin/CONFIGURATION/FRAMEWORK/swarm
        DirectoryInfo output = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        DirectoryInfo root = output.Parent!.Parent!.Parent!.Parent!.Parent!;
        string name = OperatingSystem.IsWindows() ? "swarm.exe" : "swarm";
        string path = Path.Combine(root.FullName, "src", "Swarm.Cli", "bin", output.Parent.Name, output.Name, name);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path}: build src/Swarm.Cli first", path);
    }

    private void Signal(int number)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException("signals are sent on Unix only");
        if (kill(_process.Id, number) != 0)
            throw new InvalidOperationException($"signal {number} to process {_process.Id} failed with error {Marshal.GetLastPInvokeError()}");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int process, int signal);

    private void Wake()
    {
        TaskCompletionSource reached = _next;
        _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        reached.TrySetResult();
    }

    private async Task ReadOutputAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            OutputLine arrived = new(Stopwatch.GetTimestamp(), line);
            lock (_output)
            {
                _output.Append(line).Append('\n');
                _arrived.Add(arrived);
                Wake();
            }

            _lines.Writer.TryWrite(line);
        }

        lock (_output)
        {
            _ended = true;
            Wake();
        }

        _lines.Writer.Complete();
    }

    private async Task ReadErrorAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_error)
                _error.Append(line).Append('\n');
        }
    }
}
