using System.Diagnostics;
using System.Globalization;

namespace Swarm.Testing.Networks;

/// <summary>
/// Hosts that are network namespaces of this machine, joined by a relay with delay, jitter and loss between any two. Takes root. Everything goes with
/// it; what a killed test run left behind goes when the next network is made.
/// </summary>
public sealed class TestNetwork : IDisposable
{
    private const string NamePrefix = "swarmtest-";

    private static int _made;

    private readonly FrameRelay _relay;

    private TestNetwork(NetworkHost[] hosts, FrameRelay relay)
    {
        Hosts = hosts;
        _relay = relay;
    }

    public IReadOnlyList<NetworkHost> Hosts { get; }

    /// <summary>Makes a network of hosts without delay; an <see cref="IOException"/> says what the machine refused.</summary>
    public static TestNetwork Create(int hosts, ulong seed = 1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hosts, 200);
        RemoveAbandoned();
        int network = Interlocked.Increment(ref _made);
        NetworkHost[] made = [.. Enumerable.Range(0, hosts).Select(index => new NetworkHost($"{NamePrefix}{Environment.ProcessId}-{network}-{index}", index))];
        List<int> taps = [];
        int namespaces = 0;
        try
        {
            foreach (NetworkHost host in made)
            {
                // The device is made here, where its frames are read, and moved to where they are sent. Names have at most 15 letters.
                string device = $"swt{Environment.ProcessId % 100000}-{network % 100}-{host.Index}";
                taps.Add(NetworkNative.OpenTap(device));
                Ip(["netns", "add", host.Name]);
                namespaces++;
                Ip(["link", "set", "dev", device, "netns", host.Name, "name", "eth0", "address", host.Mac, "addrgenmode", "none"]);
                Ip(["-n", host.Name, "-batch", "-"], $"""
                    link set dev lo up
                    link set dev eth0 up
                    addr add {host.Address}/24 dev eth0
                    route replace 10.77.0.0/24 dev eth0 scope link src {host.Address} congctl cubic
                    """);
            }

            return new TestNetwork(made, new FrameRelay([.. taps], seed));
        }
        catch
        {
            foreach (int tap in taps)
                NetworkNative.Close(tap);
            foreach (NetworkHost host in made.Take(namespaces))
                Remove(host.Name);
            throw;
        }
    }

    /// <summary>How frames travel between every two hosts, both ways, from now on.</summary>
    public void SetAll(LinkConditions conditions)
    {
        for (int from = 0; from < Hosts.Count; from++)
        {
            for (int to = 0; to < Hosts.Count; to++)
                _relay.Set(from, to, conditions);
        }
    }

    /// <summary>How frames from one host to another travel from now on, that way only.</summary>
    public void Set(NetworkHost from, NetworkHost to, LinkConditions conditions) => _relay.Set(from.Index, to.Index, conditions);

    /// <summary>Nothing comes to a host or from it any more, and nobody is told.</summary>
    public void Cut(NetworkHost host)
    {
        foreach (NetworkHost other in Hosts)
        {
            Set(host, other, new LinkConditions(Loss: 1));
            Set(other, host, new LinkConditions(Loss: 1));
        }
    }

    public void Dispose()
    {
        _relay.Dispose();
        foreach (NetworkHost host in Hosts)
            Remove(host.Name);
    }

    private static void RemoveAbandoned()
    {
        const string Folder = "/run/netns";
        if (!Directory.Exists(Folder))
            return;
        foreach (string path in Directory.GetFiles(Folder, NamePrefix + "*"))
        {
            string name = Path.GetFileName(path);
            string owner = name[NamePrefix.Length..].Split('-')[0];
            if (int.TryParse(owner, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && !Directory.Exists($"/proc/{pid}"))
                Remove(name);
        }
    }

    private static void Remove(string name)
    {
        try
        {
            Ip(["netns", "del", name]);
        }
        catch (IOException)
        {
            // Somebody else removed it.
        }
    }

    private static void Ip(string[] arguments, string? input = null)
    {
        ProcessStartInfo start = new(NetworkSupport.IpProgram, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true };
        using Process process = Process.Start(start)!;
        process.StandardInput.Write(input is null ? "" : input + "\n");
        process.StandardInput.Close();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new IOException($"ip {string.Join(' ', arguments)}: {error.Trim()}");
    }
}
