using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Swarm.Cli.Commands;
using Swarm.Cli.Framework;
using Swarm.Testing;
using Swarm.Testing.Processes;

namespace Swarm.Cli.Tests.Serving;

/// <summary>The unit file against the program it starts, and against systemd where there is one.</summary>
public sealed class ServiceFileTests
{
    private static readonly string UnitPath = Path.Combine(TestData.Root, "scripts", "swarm.service");

    [Fact]
    public void Unit_WaitsForReadyAndLongerThanDraining()
    {
        Dictionary<string, string> unit = Settings();
        Assert.Equal("notify", unit["Type"]);
        Assert.EndsWith(" serve", unit["ExecStart"], StringComparison.Ordinal);
        ISetting drain = new ServeCommand().Settings.Single(setting => setting.Flag == "--drain-seconds");
        Assert.True(double.Parse(unit["TimeoutStopSec"], CultureInfo.InvariantCulture) >= 15 + ((Setting<double>)drain).Default);
    }

    [SkippableFact]
    public async Task Unit_IsAcceptedBySystemd()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "systemd");
        using TemporaryFolder folder = new();
        string unit = folder.File("swarm.service");
        File.WriteAllText(unit, File.ReadAllText(UnitPath).Replace("/opt/swarm/swarm", SwarmProcess.ProgramPath, StringComparison.Ordinal));
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo("systemd-analyze", ["verify", "--man=no", unit]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        }
        catch (Win32Exception)
        {
            throw new SkipException("systemd-analyze is not here");
        }

        using (process)
        {
            using CancellationTokenSource patience = new(SwarmProcess.Patience);
            string said = await process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            Assert.True(process.ExitCode == 0, said);
            Assert.DoesNotContain("swarm.service:", said, StringComparison.Ordinal);
        }
    }

    private static Dictionary<string, string> Settings() => File.ReadLines(UnitPath)
        .Where(line => line.Length > 0 && line[0] is not ('#' or '[') && line.Contains('=', StringComparison.Ordinal))
        .Select(line => line.Split('=', 2))
        .GroupBy(pair => pair[0], StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => group.Last()[1], StringComparer.Ordinal);
}
