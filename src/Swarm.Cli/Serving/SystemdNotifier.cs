using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Swarm.Cli.Serving;

/// <summary>
/// Tells systemd how a service of <c>Type=notify</c> is doing (sd_notify(3)): datagrams to the socket that it names in the environment. Does nothing anywhere else.
/// </summary>
internal sealed class SystemdNotifier : IDisposable
{
    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _manager;
    private readonly ITimer? _watchdog;

    private SystemdNotifier(Socket? socket, UnixDomainSocketEndPoint? manager, TimeSpan? watchdog, TimeProvider time)
    {
        _socket = socket;
        _manager = manager;

        // Twice as often as asked for. The timer's thread is of the same pool as the node's loops: a pool that is stuck sends nothing, and systemd starts the node anew.
        if (watchdog is { } interval)
            _watchdog = time.CreateTimer(_ => Send("WATCHDOG=1"), null, interval / 2, interval / 2);
    }

    /// <summary>True when systemd waits to be told.</summary>
    public bool IsActive => _socket is not null;

    /// <summary>Reads the environment that systemd gives a service.</summary>
    public static SystemdNotifier Create(Func<string, string?> environment, int processId, TimeProvider time)
    {
        if (OperatingSystem.IsWindows() || environment("NOTIFY_SOCKET") is not { Length: > 1 } name || name[0] is not ('/' or '@'))
            return new SystemdNotifier(null, null, null, time);
        UnixDomainSocketEndPoint manager;
        try
        {
            // An @ stands for the zero byte of Linux's abstract names.
            manager = new UnixDomainSocketEndPoint(name[0] == '@' ? "\0" + name[1..] : name);
        }
        catch (ArgumentOutOfRangeException)
        {
            return new SystemdNotifier(null, null, null, time);
        }

        Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        return new SystemdNotifier(socket, manager, Watchdog(environment, processId), time);
    }

    /// <summary>The service serves.</summary>
    public void Ready(string status) => Send($"READY=1\nSTATUS={status}");

    /// <summary>What <c>systemctl status</c> shows.</summary>
    public void Status(string status) => Send($"STATUS={status}");

    /// <summary>The service has begun to stop.</summary>
    public void Stopping() => Send("STOPPING=1\nSTATUS=draining");

    public void Dispose()
    {
        _watchdog?.Dispose();
        _socket?.Dispose();
    }

    private static TimeSpan? Watchdog(Func<string, string?> environment, int processId)
    {
        bool others = environment("WATCHDOG_PID") is { Length: > 0 } pid && pid != processId.ToString(CultureInfo.InvariantCulture);
        return !others && long.TryParse(environment("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long micros) && micros is > 1000 and < 86_400_000_000
            ? TimeSpan.FromMicroseconds(micros)
            : null;
    }

    private void Send(string message)
    {
        if (_socket is null)
            return;
        try
        {
            _socket.SendTo(Encoding.UTF8.GetBytes(message), _manager!);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The manager is gone or does not listen: it is its loss, the node serves all the same.
        }
    }
}
