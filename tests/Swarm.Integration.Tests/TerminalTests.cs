using System.Diagnostics;
using System.Text;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Integration.Tests;

/// <summary>What <c>swarm serve</c> draws on a terminal: one that <c>script</c> makes, where there is that program.</summary>
public sealed class TerminalTests
{
    [SkippableFact]
    public async Task Serve_OnATerminal_KeepsLinesWholeAndEndsWithTheCursorShown()
    {
        Skip.IfNot(OperatingSystem.IsLinux() && File.Exists("/usr/bin/script"), "no program here makes a terminal");
        using TemporaryFolder home = new();
        // Where the runner's shell ignores SIGINT, its children would ignore Ctrl-C too.
        string command = $"stty cols 80 rows 24; exec env --default-signal=INT '{SwarmProcess.ProgramPath}' serve --home '{home.File("home")}' --public --listen 127.0.0.1:0 --model random:8MiB:q8_0 --blocks 0:17";
        ProcessStartInfo start = new("/usr/bin/script", ["-qec", command, "/dev/null"]) { RedirectStandardInput = true, RedirectStandardOutput = true, StandardOutputEncoding = Encoding.UTF8 };
        start.Environment["TERM"] = "xterm-256color";
        using Process terminal = Process.Start(start)!;
        using CancellationTokenSource patience = new(SwarmProcess.Patience);
        StringBuilder drawn = new();
        try
        {
            char[] buffer = new char[4096];
            bool asked = false;
            while (await terminal.StandardOutput.ReadAsync(buffer, patience.Token) is int read and > 0)
            {
                drawn.Append(buffer, 0, read);
                if (asked || !drawn.ToString().Contains("  serving  127.0.0.1:", StringComparison.Ordinal))
                    continue;
                asked = true;
                await terminal.StandardInput.WriteAsync("\u0003");
                await terminal.StandardInput.FlushAsync(patience.Token);
            }

            await terminal.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            terminal.Kill(entireProcessTree: true);
            Assert.Fail($"serve on a terminal did not end; drawn so far: {drawn}");
        }

        string text = drawn.ToString();
        Assert.Equal(0, terminal.ExitCode);

        // Whole lines, behind the bar that loading draws; the bar draws its last over whatever is written while it lives.
        int told = text.IndexOf("\nfounded swarm ", StringComparison.Ordinal);
        Assert.True(told >= 0, text);
        Assert.DoesNotContain("loading blocks", text[told..], StringComparison.Ordinal);
        Assert.Contains("\nthis swarm is public: ", text[told..], StringComparison.Ordinal);
        Assert.Contains("  leaving  ", text, StringComparison.Ordinal);
        Assert.EndsWith("\u001b[?25h", text.TrimEnd(), StringComparison.Ordinal);
        Assert.True(text.LastIndexOf("\u001b[?25l", StringComparison.Ordinal) < text.LastIndexOf("\u001b[?25h", StringComparison.Ordinal), text);
    }
}
