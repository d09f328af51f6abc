using System.ComponentModel;
using System.Diagnostics;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Interop;

/// <summary>A program of tests/interop, run by node. Ends with its owner.</summary>
internal sealed class NodeProgram : IDisposable
{
    private readonly Process _process;

    private NodeProgram(Process process)
    {
        _process = process;
    }

    public StreamReader Output => _process.StandardOutput;

    /// <summary>Starts it; the calling test, a SkippableFact, is skipped where node or the packages are absent.</summary>
    public static NodeProgram StartOrSkip(string file, params string[] arguments)
    {
        Skip.IfNot(
            System.IO.Directory.Exists(Path.Combine(TestData.Root, "artifacts", "interop", "node_modules", "@grpc", "grpc-js")),
            "needs the packages that scripts/install-interop installs");
        var start = new ProcessStartInfo("node") { RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = Path.Combine(TestData.Root, "tests", "interop") };
        start.ArgumentList.Add(file);
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        try
        {
            return new NodeProgram(Process.Start(start)!);
        }
        catch (Win32Exception)
        {
            throw new SkipException("needs node");
        }
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000))
            _process.Kill();
        _process.Dispose();
    }
}
